import type { WorldModel } from "../../cli/world/world.ts";
import type { Pod } from "../../kube/objects.ts";
import type { PodTrouble } from "../controllers/pods.ts";

export interface TroublesOptions {
  readonly pods: WorldModel["pods"];
  /** Minutes since the release. */
  readonly minute: () => number;
  readonly runsNew: (pod: Pod) => boolean;
}

/** What is wrong with pods of the new version. Where only some are meant, the first that came. */
export function createTroubles({ pods, minute, runsNew }: TroublesOptions): (pod: Pod) => PodTrouble {
  const places = new Map<string, number>();
  return (pod) => {
    if (!runsNew(pod)) return {};
    const { name, uid = name } = pod.metadata;
    const place = places.get(uid) ?? places.size;
    places.set(uid, place);
    const now = minute();
    const own = pods.filter(({ count = Infinity }) => place < count);
    const current = own.find(({ fromMinute, toMinute = Infinity }) => now >= fromMinute && now < toMinute);
    const next = Math.min(
      ...own.flatMap(({ fromMinute, toMinute = Infinity }) => [fromMinute, toMinute]).filter((at) => at > now),
    );
    return {
      ...(current === undefined ? {} : { is: current.are }),
      ...(Number.isFinite(next) ? { changesInMs: Math.ceil((next - now) * 60_000) } : {}),
    };
  };
}
