#!/usr/bin/env bash
# Packs the project, installs the package in an empty folder and starts what was installed: compiled JavaScript under
# node_modules, the dependencies that are declared, and nothing of the work tree.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "pack: $*" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(node -p 'require("./package.json").version')

# What an earlier build left behind must not get into the package.
rm -rf dist
npm pack --pack-destination "$work" >"$work/pack.log" 2>&1 || {
  cat "$work/pack.log" >&2
  fail "npm pack failed"
}
package="$work/aviary-$version.tgz"
[ -f "$package" ] || fail "npm pack made no aviary-$version.tgz"

files=$(tar -tzf "$package")
for wanted in dist/aviary.js dist/main.js crds/canaries.yaml deploy/kustomization.yaml README.md LICENSE; do
  grep -qx "package/$wanted" <<<"$files" || fail "the package lacks $wanted"
done
stray=$(grep -Ev '^package/(package\.json|README\.md|LICENSE|NOTICE|(dist|crds|deploy|examples)/.+)$' <<<"$files" || true)
[ -z "$stray" ] || fail "the package holds what it should not: $stray"
if grep -E '\.ts$' <<<"$files"; then fail "the package holds TypeScript, which Node refuses under node_modules"; fi

mkdir "$work/empty"
cd "$work/empty"
npm init -y >/dev/null
npm install --prefer-offline --no-audit --no-fund "$package" >"$work/install.log" 2>&1 || {
  cat "$work/install.log" >&2
  fail "npm install of the package failed"
}
[ "$(head -1 node_modules/aviary/dist/aviary.js)" = "#!/usr/bin/env node" ] || fail "dist/aviary.js does not begin with a shebang"
# npx puts the Node that comes with the package first in the PATH.
said=$(npx --no -- aviary --version </dev/null) || fail "aviary --version failed"
[ "$said" = "$version" ] || fail "aviary --version says '$said', not '$version'"
grep -q "^aviary $version " <<<"$(npx --no -- aviary version </dev/null)" || fail "aviary version does not say $version"
help=$(npx --no -- aviary controller --help </dev/null) || fail "aviary controller --help failed"
grep -q -- '--kubeconfig' <<<"$help" || fail "aviary controller --help does not name --kubeconfig"
if npx --no -- aviary controller --workers none </dev/null >"$work/refused" 2>&1; then fail "--workers none was accepted"; fi
grep -q -- '--workers must be' "$work/refused" || fail "aviary controller --workers none is refused without a sentence"
# The sandbox, and a wait on it: there is nothing yet to wait for.
node_modules/.bin/node node_modules/.bin/aviary sandbox </dev/null >"$work/sandbox" 2>&1 &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null; wait "$sandbox" 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 150); do grep -q '^kubectl ' "$work/sandbox" && break; sleep 0.2; done
config=$(sed -n 's/^kubectl .*--kubeconfig //p' "$work/sandbox")
[ -n "$config" ] || fail "aviary sandbox printed no kubeconfig: $(cat "$work/sandbox")"
code=0
npx --no -- aviary wait deploy/podinfo --kubeconfig "$config" </dev/null >"$work/wait" 2>&1 || code=$?
[ "$code" = 7 ] || fail "aviary wait without a Canary ended with $code, not with 7: $(cat "$work/wait")"
npx --no -- kubectl-canary get -A --kubeconfig "$config" </dev/null >"$work/get" 2>&1 || fail "kubectl-canary get failed: $(cat "$work/get")"
echo "pack: aviary-$version.tgz installs and starts ($(wc -l <<<"$files") files, $(du -k "$package" | cut -f1) KiB)"
