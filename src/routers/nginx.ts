import { z } from "zod";
import type { RequestMatch } from "../api/requestMatch.ts";
import type { Share } from "../api/share.ts";
import { listMap, objectName } from "../api/schema.ts";
import { apiVersionOf, kinds } from "../kube/kinds.ts";
import type { Ingress, IngressPath, IngressRule } from "../kube/objects.ts";
import { fieldManagers } from "./fieldManagers.ts";
import { isApplied, isOwned, owned } from "./ownedObject.ts";
import {
  type Backends,
  type RouteInput,
  routeKey,
  type RouteProblem,
  type Router,
  type RouteRef,
  type RouteView,
  type RouteWrite,
} from "./router.ts";

const schema = z
  .object({
    ingressRefs: listMap(
      z
        .array(
          z
            .object({ name: objectName().describe("Name of the Ingress, in the namespace of the Canary.") })
            .describe("An Ingress of yours; it is only read."),
        )
        .min(1)
        .max(8),
      "name",
    ).describe("Ingresses whose paths to the Service `<name>` or `<name>-primary` are split."),
    annotationPrefix: objectName()
      .default("nginx.ingress.kubernetes.io")
      .describe("Prefix of the annotations, as the ingress controller has it in --annotations-prefix."),
  })
  .describe(
    "Splits traffic by a second Ingress with the canary annotations of ingress-nginx, which other controllers " +
      "(Traefik, Higress) honour too.",
  );

export type NginxBlock = z.infer<typeof schema>;

type NginxInput = RouteInput<NginxBlock>;

/** Holds for every Canary without the strategy, or with another router. */
const elsewhere = (block: string) =>
  `!has(self.traffic) || !has(self.traffic.nginx) || !has(self.strategy) || !has(self.strategy.${block})`;
const UNTESTED = elsewhere("abTest");
const MATCH = "self.strategy.abTest.match";

/** Weights in the annotations of a canary Ingress that Aviary owns. There is no status to wait for. */
export const nginx: Router<NginxBlock> = {
  name: "nginx",
  schema,
  settleMs: 5_000,
  controllers: ["k8s.io/ingress-nginx"],
  specRules: [
    {
      rule: `${UNTESTED} || ${MATCH}.all(m, !has(m.queryParams) && !has(m.method))`,
      message: "nginx cannot match query parameters or methods: use a header or a cookie",
      fieldPath: ".strategy.abTest.match",
    },
    {
      rule: `${UNTESTED} || ${MATCH}.all(m, !has(m.cookie) || (m.cookie.value == 'always' && !has(m.headers)))`,
      message: "nginx matches a cookie by the value always, and not together with a header",
      fieldPath: ".strategy.abTest.match",
    },
    {
      rule: `${UNTESTED} || (${MATCH}.filter(m, has(m.cookie)).size() <= 1 && ${MATCH}.filter(m, has(m.headers)).size() <= 1 && ${MATCH}.all(m, !has(m.headers) || m.headers.size() == 1))`,
      message: "nginx matches one header and one cookie at most",
      fieldPath: ".strategy.abTest.match",
    },
    {
      rule: `${elsewhere("canary")} || self.strategy.canary.steps.all(s, !has(s.mirror))`,
      message: "nginx cannot mirror a share of the requests: remove mirror from the steps",
      fieldPath: ".strategy.canary.steps",
    },
  ],
  neighbours: (_block, { namespace }) => [{ kind: kinds.ingress, namespace }],
  refs(block: NginxBlock, backends: Backends): readonly RouteRef[] {
    return block.ingressRefs.flatMap(({ name }) => [
      ingressRef(name, backends),
      ingressRef(canaryName(name, backends), backends),
    ]);
  },
  read,
  plan(input: NginxInput, share: Share): readonly RouteWrite[] {
    return input.block.ingressRefs.flatMap(({ name }) => planOne(name, input, share));
  },
  release(input: NginxInput): readonly RouteWrite[] {
    return input.block.ingressRefs.flatMap(({ name }) => {
      const canary = canaryOf(name, input);
      if (canary?.metadata.uid === undefined || !isOwned(canary, input.backends.name)) return [];
      const ref = ingressRef(canary.metadata.name, input.backends);
      return [{ type: "delete", ref, uid: canary.metadata.uid }];
    });
  },
};

function read(input: NginxInput): RouteView {
  const problem = input.block.ingressRefs
    .map(({ name }) => problemOf(name, input))
    .find((found) => found !== undefined);
  const canaries = input.block.ingressRefs
    .flatMap(({ name }) => canaryOf(name, input) ?? [])
    .filter((canary) => isOwned(canary, input.backends.name));
  const key = `${input.block.annotationPrefix}/canary-weight`;
  const weights = canaries.map((canary) => readWeight(canary.metadata.annotations?.[key]));
  const weight = weights.length === 0 ? undefined : Math.max(...weights);
  const matched = canaries.some(({ metadata }) =>
    MATCH_ANNOTATIONS.some((name) => metadata.annotations?.[`${input.block.annotationPrefix}/${name}`] !== undefined),
  );
  const path = ["f:metadata", "f:annotations", `f:${key}`];
  return {
    ...(problem === undefined ? {} : { problem }),
    weight,
    ...(matched ? { matched } : {}),
    uniform: weight !== undefined && nginx.plan(input, { weight, matched }).length === 0,
    acceptance: { state: "accepted" },
    managers: [...new Set(canaries.flatMap((canary) => fieldManagers(canary, path)))],
  };
}

/** Ingress controllers take what is not a number for 0. */
function readWeight(text: string | undefined): number {
  const weight = Number.parseInt(text ?? "", 10);
  return Number.isNaN(weight) ? 0 : Math.min(100, Math.max(0, weight));
}

/**
 * The object is kept at weight 0: deleting it makes ingress controllers reload. When no path leads to the target any
 * more it keeps its rules, so that traffic can still be taken off the canary.
 */
function planOne(name: string, input: NginxInput, share: Share): readonly RouteWrite[] {
  const { backends } = input;
  const ingress = ingressOf(name, input);
  const actual = canaryOf(name, input);
  if (ingress === undefined || (actual !== undefined && !isOwned(actual, backends.name))) return [];
  const found = canaryRules(ingress, backends);
  const rules = found.length === 0 ? (actual?.spec.rules ?? []) : found;
  if (rules.length === 0) return [];
  const object = desired(ingress, rules, { input, share });
  if (actual !== undefined && isApplied(object, actual)) return [];
  return [{ type: "apply", ref: ingressRef(object.metadata.name, backends), object }];
}

interface Shift {
  readonly input: NginxInput;
  readonly share: Share;
}

function desired(ingress: Ingress, rules: readonly IngressRule[], { input, share }: Shift): Ingress {
  const { block, backends } = input;
  const { ingressClassName } = ingress.spec;
  const legacyClass = ingress.metadata.annotations?.[LEGACY_CLASS];
  const object: Ingress = {
    apiVersion: apiVersionOf(kinds.ingress),
    kind: kinds.ingress.kind,
    metadata: {
      name: canaryName(ingress.metadata.name, backends),
      namespace: backends.namespace,
      annotations: {
        ...(legacyClass === undefined ? {} : { [LEGACY_CLASS]: legacyClass }),
        [`${block.annotationPrefix}/canary`]: "true",
        [`${block.annotationPrefix}/canary-weight`]: String(share.weight),
        [`${block.annotationPrefix}/canary-weight-total`]: "100",
        ...(share.matched === true ? matchAnnotations(block.annotationPrefix, input.demand?.matches ?? []) : {}),
      },
    },
    spec: { ...(ingressClassName === undefined ? {} : { ingressClassName }), rules },
  };
  return owned(object, backends.name);
}

/** Of which one says that an Ingress takes part in an A/B test. */
const MATCH_ANNOTATIONS = ["canary-by-header", "canary-by-cookie"] as const;

/** One header and one cookie at most; `specRules` refuses more. Header, cookie and weight are asked in this order. */
function matchAnnotations(prefix: string, matches: readonly RequestMatch[]): Record<string, string> {
  const header = matches.flatMap(({ headers }) => headers)[0];
  const cookie = matches.flatMap((match) => match.cookie ?? [])[0];
  const how = header?.type === "RegularExpression" ? "canary-by-header-pattern" : "canary-by-header-value";
  return {
    ...(header === undefined
      ? {}
      : { [`${prefix}/canary-by-header`]: header.name, [`${prefix}/${how}`]: header.value }),
    ...(cookie === undefined ? {} : { [`${prefix}/canary-by-cookie`]: cookie.name }),
  };
}

const LEGACY_CLASS = "kubernetes.io/ingress.class";

/** The rules of an Ingress reduced to the paths that lead to the target, and led to the canary. */
function canaryRules(ingress: Ingress, backends: Backends): readonly IngressRule[] {
  return (ingress.spec.rules ?? []).flatMap((rule) => {
    const paths = (rule.http?.paths ?? []).filter((path) => leadsToTarget(path, backends));
    if (paths.length === 0) return [];
    return [{ ...rule, http: { paths: paths.map((path) => toCanary(path, backends)) } }];
  });
}

function leadsToTarget(path: IngressPath, backends: Backends): boolean {
  const service = path.backend.service?.name;
  return service === backends.name || service === backends.primary;
}

function toCanary(path: IngressPath, backends: Backends): IngressPath {
  return { ...path, backend: { service: { ...path.backend.service, name: backends.canary } } };
}

function problemOf(name: string, input: NginxInput): RouteProblem | undefined {
  const { backends } = input;
  const ingress = ingressOf(name, input);
  if (ingress === undefined) {
    return {
      reason: "IngressNotFound",
      message: `Ingress ${name} does not exist in namespace ${backends.namespace}`,
      hint: "Create the Ingress, or correct traffic.nginx.ingressRefs.",
    };
  }
  if (canaryRules(ingress, backends).length === 0) return backendsMissing(name, backends);
  const canary = canaryOf(name, input);
  if (canary !== undefined && !isOwned(canary, backends.name)) {
    return {
      reason: "RouteConflict",
      message: `Ingress ${canary.metadata.name} exists already and was not made by Aviary for ${backends.name}`,
      hint: `Delete or rename Ingress ${canary.metadata.name}: Aviary needs the name for the canary of Ingress ${name}.`,
    };
  }
  return rivalProblem(ingress, input);
}

function backendsMissing(name: string, backends: Backends): RouteProblem {
  const path = `- { path: /, pathType: Prefix, backend: { service: { name: ${backends.name}, port: { number: ${backends.port} } } } }`;
  return {
    reason: "BackendsMissing",
    message: `Ingress ${name} has no path to Service ${backends.name} or ${backends.primary}`,
    hint: `Lead the path whose traffic is to be split to Service ${backends.name}:\npaths:\n${path}`,
  };
}

/** Ingress controllers honour one canary Ingress for a path and ignore the others. */
function rivalProblem(ingress: Ingress, input: NginxInput): RouteProblem | undefined {
  const own = canaryName(ingress.metadata.name, input.backends);
  const wanted = new Set(routesOf(canaryRules(ingress, input.backends)));
  for (const other of canaryIngresses(input)) {
    const shared = routesOf(other.spec.rules ?? []).find((route) => wanted.has(route));
    if (other.metadata.name === own || shared === undefined || !sameClass(ingress, other)) continue;
    return {
      reason: "RouteConflict",
      message: `Ingress ${other.metadata.name} is a canary for ${shared} too, and only one is honoured`,
      hint: `Delete Ingress ${other.metadata.name}, or take ${shared} out of it.`,
    };
  }
  return undefined;
}

/** Whether the same controller may serve both; one without a class belongs to whoever is the default. */
function sameClass(a: Ingress, b: Ingress): boolean {
  const [first, second] = [a, b].map(
    ({ spec, metadata }) => spec.ingressClassName ?? metadata.annotations?.[LEGACY_CLASS],
  );
  return first === undefined || second === undefined || first === second;
}

function canaryIngresses({ objects, block, backends }: NginxInput): readonly Ingress[] {
  return [...objects.values()].filter(
    (object): object is Ingress =>
      object.kind === kinds.ingress.kind &&
      object.metadata.namespace === backends.namespace &&
      object.metadata.annotations?.[`${block.annotationPrefix}/canary`] === "true",
  );
}

function routesOf(rules: readonly IngressRule[]): readonly string[] {
  return rules.flatMap((rule) => (rule.http?.paths ?? []).map((path) => `${rule.host ?? "*"}${path.path ?? "/"}`));
}

/** Unique for each pair of Ingress and target, since one Ingress may lead to several targets. */
function canaryName(ingress: string, backends: Backends): string {
  return ingress === backends.name ? `${ingress}-canary` : `${ingress}-${backends.canary}`;
}

function ingressRef(name: string, backends: Backends): RouteRef {
  return { kind: kinds.ingress, namespace: backends.namespace, name };
}

function ingressOf(name: string, input: NginxInput): Ingress | undefined {
  return input.objects.get(routeKey(ingressRef(name, input.backends))) as Ingress | undefined;
}

function canaryOf(name: string, input: NginxInput): Ingress | undefined {
  return ingressOf(canaryName(name, input.backends), input);
}
