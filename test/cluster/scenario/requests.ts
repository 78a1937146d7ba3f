import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { expect, test } from "vitest";
import type { CanaryActionStatus } from "../../../src/api/canaryAction.ts";
import { waitFor } from "../harness/polling.ts";
import type { CommandResult } from "../harness/controlPlane.ts";
import type { Bench } from "../scenario.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import { imageOf, type Shop, stepsOf } from "./shop.ts";

/** A user with these ClusterRoles in the shop's namespace, and nothing else. */
export async function userWith(bench: Bench, { namespace }: Shop, roles: readonly string[]): Promise<User> {
  const name = `${roles.join("-")}@${namespace}`;
  await bench.cluster.apply(
    roles.map((role) => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: `${role}-for-${roles.join("-")}`, namespace },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name }],
    })),
  );
  const kubeconfig = bench.controlPlane.userKubeconfig(name);
  const ask = (spec: object): Promise<CommandResult> => create(bench, { namespace, kubeconfig, spec });
  return {
    name,
    kubeconfig,
    ask,
    asks: async (spec) => {
      const { code, stdout, stderr } = await ask(spec);
      if (code !== 0) throw new Error(stderr);
      const ref = { namespace, name: stdout.trim() };
      const answered = await waitFor(
        "an answer",
        () => bench.journal.latest<{ status?: CanaryActionStatus }>("CanaryAction", ref)?.status,
      );
      return answered;
    },
  };
}

export interface User {
  readonly name: string;
  readonly kubeconfig: string;
  /** Creates a CanaryAction with kubectl. */
  ask(spec: object): Promise<CommandResult>;
  /** The same, and waits until the controller has answered. */
  asks(spec: object): Promise<CanaryActionStatus>;
}

interface Asked {
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly spec: object;
}

function create(bench: Bench, { namespace, kubeconfig, spec }: Asked): Promise<CommandResult> {
  const action = {
    apiVersion: "aviary.dev/v1beta1",
    kind: "CanaryAction",
    metadata: { generateName: "ask-", namespace },
    spec: { canaryRef: { name: "web" }, ...spec },
  };
  const output = ["-o", "jsonpath={.metadata.name}"];
  return bench.controlPlane.kubectl(["create", "-f", "-", ...output], { kubeconfig, stdin: stringify(action) });
}

export function requests(bench: () => Bench): void {
  test("a pause waits for an approval, which an approver may give and a viewer may not", async () => {
    const spec = stepsOf({ weight: 20, hold: "1s" }, { pause: {} }, { weight: 50, hold: "1s" });
    const shop = await adopted(bench(), { spec });
    const approver = await userWith(bench(), shop, ["view", "aviary-approve"]);
    const viewer = await userWith(bench(), shop, ["view"]);
    await shop.release("2");
    await shop.until("the pause", ({ phase, why }) => phase === "Paused" && why?.rule === "waitForApproval");
    expect(shop.status().conditions?.find(({ type }) => type === "Reconciling")?.reason).toBe("AwaitingApproval");
    const refused = await viewer.ask({ action: "Approve" });
    expect(refused.stderr).toContain("cannot create resource");
    const notOne = await approver.ask({ action: "Abort" });
    expect(notOne.stderr).toContain(`${approver.name} may not Abort canary web: a Role must allow the verb abort`);
    const posing = await approver.ask({ action: "Approve", requestedBy: "boss" });
    expect(posing.stderr).toContain(`spec.requestedBy must be your own user name, ${approver.name}`);
    expect(shop.status().phase).toBe("Paused");
    const wrong = await approver.asks({ action: "Approve", step: 1 });
    expect(wrong.phase).toBe("Refused");
    const answer = await approver.asks({ action: "Approve", step: 2, requestedBy: approver.name });
    expect(answer).toMatchObject({ phase: "Applied", message: `step 2/3 approved by ${approver.name}` });
    await shop.outcome("Succeeded");
    expectUnharmed(bench(), shop);
  });

  test("an editor pauses, resumes, aborts, and retries a rollout", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "3s" }, { weight: 50, hold: "2s" }) });
    const editor = await userWith(bench(), shop, ["edit"]);
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    await editor.asks({ action: "Pause", reason: "lunch", requestedBy: editor.name });
    await shop.until("the pause", ({ phase }) => phase === "Paused");
    // Longer than the hold, so that a rollout that went on would show.
    await sleep(4_000);
    const paused = shop.status();
    expect(paused).toMatchObject({ phase: "Paused", weight: 20, why: { message: `paused by ${editor.name}: lunch` } });
    expect(shop.weights()).toEqual({ "web-primary": 80, "web-canary": 20 });
    expect(await editor.asks({ action: "Resume" })).toMatchObject({ phase: "Applied" });
    await shop.until("weight 50", ({ weight }) => weight === 50);
    expect(await editor.asks({ action: "Abort", reason: "second thoughts" })).toMatchObject({ phase: "Applied" });
    const failed = await shop.outcome("Failed");
    expect(failed.failed?.why).toMatchObject({ rule: "rollBackOnRequest", message: "aborted: second thoughts" });
    expect(shop.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(await editor.asks({ action: "Abort" })).toMatchObject({ phase: "Refused" });
    expect(await editor.asks({ action: "Retry" })).toMatchObject({ phase: "Applied" });
    const status = await shop.outcome("Succeeded");
    expect(status.promoted?.images).toEqual([imageOf("2")]);
    expectUnharmed(bench(), shop);
  });

  test("a suspended rollout keeps its weight, also when somebody changes it, and goes on afterwards", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "2s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    await shop.patchSpec({ suspend: true });
    await shop.until("suspension", ({ phase, why }) => phase === "Paused" && why?.rule === "honourSuspend");
    const backends = "/spec/rules/0/backendRefs";
    const route = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", name: "web" };
    const foreign = [
      { op: "replace", path: `${backends}/0/weight`, value: 100 },
      { op: "replace", path: `${backends}/1/weight`, value: 0 },
    ];
    await bench().cluster.patch({ ...route, namespace: shop.namespace }, foreign, { type: "json" });
    await waitFor("weight 20 to be put back", () => shop.weights()["web-canary"] === 20);
    // Longer than the hold.
    await sleep(3_000);
    expect(shop.status()).toMatchObject({ phase: "Paused", weight: 20 });
    await shop.patchSpec({ suspend: false });
    await shop.outcome("Succeeded");
    expectUnharmed(bench(), shop);
  });

  test("a suspended Canary starts no rollout until it is not suspended any more", async () => {
    const shop = await adopted(bench());
    await shop.patchSpec({ suspend: true });
    await shop.until("suspension", ({ why }) => why?.rule === "honourSuspend");
    await shop.release("2");
    await shop.until("the new revision to be seen", ({ target }) => target?.images?.[0] === imageOf("2"));
    await sleep(1_000);
    expect(shop.status().rollout).toBeUndefined();
    await shop.patchSpec({ suspend: false });
    await shop.outcome("Succeeded");
    expectUnharmed(bench(), shop);
  });
}
