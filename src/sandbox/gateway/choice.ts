import type { Random } from "../random.ts";

/** Picks one of several by weight. `id` names the list, so that a smooth choice can go on where it was. */
export type Choose = <T extends { readonly weight: number }>(id: string, candidates: readonly T[]) => T | undefined;

/** Each pick is independent of the others, as in Envoy. Undefined when all weights are 0. */
export function randomChoice(random: Random): Choose {
  return (_id, candidates) => {
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    let left = random() * total;
    return candidates.find(({ weight }) => (left -= weight) < 0 && weight > 0);
  };
}

/** Picks that follow the weights as evenly as they can (nginx's smooth weighted round robin). */
export function smoothChoice(): Choose {
  const credits = new Map<string, number[]>();
  return (id, candidates) => {
    const known = credits.get(id) ?? [];
    const current = candidates.map(({ weight }, index) => (known[index] ?? 0) + weight);
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return undefined;
    const best = current.reduce((winner, credit, index) => {
      const weight = candidates[index]?.weight ?? 0;
      return weight > 0 && (winner === -1 || credit > (current[winner] ?? 0)) ? index : winner;
    }, -1);
    if (best >= 0) current[best] = (current[best] ?? 0) - total;
    credits.set(id, current);
    return candidates[best];
  };
}
