/**
 * How many pods of the canary, beside `full` pods of the primary, make the share that is closest to `weight` percent
 * when every pod gets as many requests as every other. At least one, and at most as many as the primary has: a weight
 * from 51 to 99 is therefore a half. At 100 the canary is alone and needs them all.
 */
export function podsForShare(weight: number, full: number): number {
  const most = Math.max(1, full);
  if (weight >= 100) return most;
  const fewer = Math.floor((weight * most) / (100 - weight));
  const missed = (pods: number): number => Math.abs(shareOfPods(pods, most) - weight);
  return Math.min(most, Math.max(1, missed(fewer + 1) < missed(fewer) ? fewer + 1 : fewer));
}

/** Percent of the requests that `pods` get beside `others`. */
export function shareOfPods(pods: number, others: number): number {
  return pods === 0 ? 0 : (100 * pods) / (pods + others);
}
