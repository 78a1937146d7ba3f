/** What the canary gets of the requests. */
export interface Share {
  /** Percent of the requests, 0 to 100. */
  readonly weight: number;
  /** Beside them, all requests that match `strategy.abTest.match`. */
  readonly matched?: boolean | undefined;
  /** Beside them, copies of so many percent of the requests, 0 to 100; nobody gets the answers. */
  readonly mirror?: number | undefined;
}

/** A share as it was found, when there may be none. */
type SeenShare = { readonly [K in keyof Share]?: Share[K] | undefined };

/** The share alone, whatever else `from` holds. */
export function shareOf(from: Share): Share {
  const { weight, matched, mirror } = from;
  return {
    weight,
    ...(matched === true ? { matched } : {}),
    ...(mirror === undefined || mirror === 0 ? {} : { mirror }),
  };
}

/** Whether the canary's pods get any request at all, be it a copy. */
export function isUsed(share: SeenShare): boolean {
  return (share.weight ?? 0) > 0 || share.matched === true || (share.mirror ?? 0) > 0;
}

export function sameShare(a: SeenShare, b: Share): boolean {
  return a.weight === b.weight && (a.matched ?? false) === (b.matched ?? false) && (a.mirror ?? 0) === (b.mirror ?? 0);
}

/** Percent of the load of everybody for which the canary needs pods. How many requests match, nobody knows. */
export function loadOf({ weight, matched, mirror = 0 }: Share): number {
  return matched === true ? 100 : Math.min(100, weight + mirror);
}

/** `weight 20`, for sentences. */
export function showShare({ weight, matched, mirror = 0 }: Share): string {
  const parts = [
    ...(weight > 0 || (matched !== true && mirror === 0) ? [`weight ${weight}`] : []),
    ...(matched === true ? ["requests that match"] : []),
    ...(mirror > 0 ? [`copies of ${mirror} % of the requests`] : []),
  ];
  return parts.join(" and ");
}
