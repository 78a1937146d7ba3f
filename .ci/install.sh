#!/bin/sh
# Prepares a Debian 12 machine (root, Go 1.26, Node with npm) for the cluster and e2e tests: says what is missing, installs
# what the distribution has, and asks the network for nothing when all is there. kubectl, etcd and the control plane
# are not installed: the tests build them from Go modules (test/cluster/harness/build.ts) and keep them in a cache.
set -eu

fail() {
  echo "install: $*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# command:package, everything that is not in Debian's essential set
missing=""
for pair in git:git update-ca-certificates:ca-certificates ip:iproute2 setpriv:util-linux prometheus:prometheus; do
  has "${pair%%:*}" || missing="$missing ${pair#*:}"
done

python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip"

if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || fail "missing:$missing (run as root to install)"
  has apt-get || fail "missing:$missing (there is no apt-get here)"
  echo "install:$missing"
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

has npm || fail "npm is missing: install Node.js 20 or newer (Node 24 itself then comes by npm ci)"
has go || fail "go is missing: install Go 1.26 or newer"
version=$(go env GOVERSION)
minor=$(echo "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 26 ] || fail "$version is too old: install Go 1.26 or newer"

echo "install: ready ($version, node $(node --version), npm $(npm --version))"
