import type { Canary } from "../api/canary.ts";
import type { Question } from "../api/query.ts";
import type { Problem } from "../decide/types.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { PodSpec, Service } from "../kube/objects.ts";
import type { KubeObject } from "../kube/port.ts";
import { annotations, isOurs } from "../lib/names.ts";
import { routeKey } from "../routers/router.ts";
import type { RouteView } from "../routers/router.ts";
import type { FoundProvider } from "./providers.ts";
import { jobProblem } from "./jobs.ts";
import { queryProblem } from "./queryProblem.ts";
import { sharedRoute, sharedTarget } from "./rivals.ts";
import type { Scene } from "./scene.ts";
import { servicesSelecting } from "./services.ts";

export interface ProblemInput {
  readonly scene: Scene;
  readonly reads: FreshReads;
  readonly route: RouteView;
  readonly provider: (canary: Canary, question: Question) => FoundProvider;
}

/** What a person has to mend before Aviary can go on; the first of them, the most basic first. */
export function problemOf(input: ProblemInput): Problem | undefined {
  for (const find of [
    targetProblem,
    sharedTarget,
    sharedRoute,
    unsafeTarget,
    foreignService,
    takenName,
    configurationProblem,
    ({ scene }: ProblemInput) => scene.autoscaler.problem,
    portProblem,
    routeProblem,
    templateProblem,
    ({ scene: { canary }, reads }: ProblemInput) => jobProblem(canary, reads),
    ({ scene: { canary }, provider }: ProblemInput) => queryProblem(canary, provider),
  ]) {
    const problem = find(input);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function targetProblem({ scene }: ProblemInput): Problem | undefined {
  const { names, target, label } = scene;
  if (target === undefined) {
    return {
      reason: "TargetNotFound",
      message: `${kindOf(scene)} ${names.namespace}/${names.target} does not exist`,
      hint: "create it, or name another one in a new Canary's spec.targetRef",
      blocksTraffic: false,
    };
  }
  if (label === undefined) {
    return {
      reason: "TargetUnsupported",
      message: `${kindOf(scene)} ${names.target} has no spec.selector.matchLabels`,
      hint: "give its selector a label such as app",
      blocksTraffic: false,
    };
  }
  return undefined;
}

function kindOf({ workload }: Scene): string {
  return workload.kind.kind;
}

function adopted(scene: Scene): boolean {
  return scene.canary.status?.promoted !== undefined;
}

function unsafeTarget({ scene, reads }: ProblemInput): Problem | undefined {
  const { target, canary, names, workload } = scene;
  if (target === undefined) return undefined;
  const service = (name: string) => reads.get<Service>(kinds.service, { namespace: names.namespace, name });
  const refused = workload.refuse({ target, adopted: adopted(scene), service });
  if (refused?.severity === "Unsupported") {
    return {
      reason: "TargetUnsupported",
      message: `${kindOf(scene)} ${names.target} cannot be a target: ${refused.what}`,
      hint: refused.hint ?? "change it",
      blocksTraffic: false,
    };
  }
  const what = refused?.what ?? unsafety(target.spec.template.spec);
  if (what === undefined || canary.spec.allowUnsafe) return undefined;
  const hint = refused?.hint ?? "change it";
  return {
    reason: "TargetUnsafe",
    message: `${kindOf(scene)} ${names.target} cannot run twice at a time without risk: ${what}`,
    hint: `${hint}, or set spec.allowUnsafe: true when you know that two copies get along`,
    blocksTraffic: false,
  };
}

function unsafety(pod: PodSpec): string | undefined {
  if (pod.hostNetwork === true) return "it uses the host's network";
  const hostPort = pod.containers.flatMap(({ ports }) => ports ?? []).find((port) => port.hostPort !== undefined);
  if (hostPort !== undefined) return `it uses the host's port ${hostPort.hostPort ?? ""}`;
  const claim = pod.volumes?.find(
    (volume) => volume.persistentVolumeClaim !== undefined && volume.persistentVolumeClaim.readOnly !== true,
  );
  return claim === undefined
    ? undefined
    : `volume ${claim.name} writes to PersistentVolumeClaim ${claim.persistentVolumeClaim?.claimName ?? ""}`;
}

/** A Service that selects the target's pods beside the apex would send users to the new version past every weight. */
function foreignService({ scene, reads }: ProblemInput): Problem | undefined {
  const { names, target, workload } = scene;
  if (adopted(scene) || target === undefined) return undefined;
  const own = new Set([names.target, names.primary, names.canaryService, names.previous]);
  const naming = workload.namingService?.(target);
  const pods = target.spec.template.metadata?.labels ?? {};
  const other = servicesSelecting(reads, names.namespace, pods).find(
    ({ metadata, spec }) => !own.has(metadata.name) && !(metadata.name === naming && spec.clusterIP === "None"),
  );
  if (other === undefined) return undefined;
  return {
    reason: "ServiceSelectsTarget",
    message: `Service ${other.metadata.name} selects the pods of ${kindOf(scene)} ${names.target}, so it would send users to a new version past every weight`,
    hint: `let its clients use Service ${names.target}, and delete it or give it a selector that the target's pods do not match`,
    blocksTraffic: false,
  };
}

/** What Aviary is to make must not be somebody else's. */
function takenName({ scene, reads }: ProblemInput): Problem | undefined {
  const { primary, primaryService, canaryService, autoscaler, guards, names, workload } = scene;
  const previous = { namespace: names.namespace, name: names.previous };
  const kept =
    scene.canary.spec.keepPreviousFor === undefined
      ? []
      : [reads.get<KubeObject>(workload.kind, previous), reads.get<KubeObject>(kinds.service, previous)];
  const made = [primary, primaryService.service, canaryService.service, ...kept];
  const taken = [...made, ...autoscaler.copies.taken, ...guards.taken].find(
    (object) => object !== undefined && !isOurs(object),
  );
  if (taken === undefined) return undefined;
  const what = `${taken.kind} ${taken.metadata.name}`;
  return {
    reason: "NameTaken",
    message: `${what} exists already and was not made by Aviary`,
    hint: `delete or rename it: Aviary needs the name for the canary of ${kindOf(scene)} ${scene.names.target}`,
    blocksTraffic: false,
  };
}

/** Without all of it nobody knows which revision the target holds, and its pods may not start. */
function configurationProblem({ scene }: ProblemInput): Problem | undefined {
  const { configuration, names, canary, primary } = scene;
  if (configuration === undefined) return undefined;
  // The primary has copies of what was judged: its promotion does not wait for what comes next.
  const { rollout } = canary.status ?? {};
  if (rollout !== undefined && primary?.metadata.annotations?.[annotations.revision] === rollout.revision) {
    return undefined;
  }
  const [missing] = configuration.missing;
  const [unreadable] = configuration.unreadable;
  const [unclear] = configuration.unclear;
  if (missing !== undefined) {
    return {
      reason: "ConfigurationMissing",
      message: `${missing} in namespace ${names.namespace} does not exist, and the pods of ${kindOf(scene)} ${names.target} need it`,
      hint: "create it, or mark the reference optional",
      blocksTraffic: false,
    };
  }
  if (unreadable !== undefined) {
    return {
      reason: "ConfigurationUnreadable",
      message: `Aviary is not allowed to read ${unreadable} in namespace ${names.namespace}, which ${kindOf(scene)} ${names.target} refers to`,
      hint: "apply deploy/track-secrets-role.yaml, or start Aviary with --track-secrets=false, or set spec.trackConfiguration: false",
      blocksTraffic: false,
    };
  }
  if (unclear === undefined) return undefined;
  return {
    reason: "AnnotationInvalid",
    message: `the annotation ${annotations.track} of ${unclear} is neither "true" nor "false"`,
    hint: "correct or remove it",
    blocksTraffic: false,
  };
}

function portProblem({ scene }: ProblemInput): Problem | undefined {
  if (scene.ports.length > 0) return undefined;
  return {
    reason: "PortUnknown",
    message: `neither spec.service, nor a Service ${scene.names.target}, nor the containers of the target say a port`,
    hint: "set spec.service.port",
    blocksTraffic: false,
  };
}

/** Without all of the checks nobody knows what the canary is judged by. */
function templateProblem({ scene }: ProblemInput): Problem | undefined {
  const { unresolved } = scene.canary.spec.analysis;
  if (unresolved === undefined) return undefined;
  const hint =
    unresolved.reason === "TemplateNotFound"
      ? "create it, or correct spec.analysis.templates"
      : "correct it, or spec.analysis.templates";
  return { ...unresolved, hint, blocksTraffic: false };
}

function routeProblem({ route, scene, reads }: ProblemInput): Problem | undefined {
  // A kind that is served in another version is not missing.
  const served = scene.routeRefs.filter(({ kind }) => reads.state(kind) !== "absent").map(routeKey);
  const missing = scene.routeRefs.find((ref) => !served.includes(routeKey(ref)));
  if (missing !== undefined) {
    return {
      reason: "RouteKindMissing",
      message: `the API server does not serve ${missing.kind.kind} (${missing.kind.group}/${missing.kind.version})`,
      hint: "install its CustomResourceDefinition",
      blocksTraffic: true,
    };
  }
  // Where the pair still stands somewhere, its weights can be moved: taking traffic back must not wait for a person.
  return route.problem === undefined ? undefined : { ...route.problem, blocksTraffic: route.weight === undefined };
}
