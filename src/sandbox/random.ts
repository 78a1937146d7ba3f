/** A number in [0, 1). */
export type Random = () => number;

/** The mulberry32 generator: the same seed gives the same sequence. Good for tests and traffic, not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Kubernetes' alphabet of generated names: no vowels, so no words; no look-alikes. */
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** A suffix as Kubernetes generates it for names. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = "";
  for (let index = 0; index < length; index++) suffix += NAME_ALPHABET[Math.floor(random() * NAME_ALPHABET.length)];
  return suffix;
}

/** Spells a hexadecimal digest in the alphabet of generated names, `length` characters of it. */
export function nameDigest(hex: string, length: number): string {
  let rest = BigInt(`0x${hex}`);
  let digest = "";
  const base = BigInt(NAME_ALPHABET.length);
  while (digest.length < length) {
    digest += NAME_ALPHABET[Number(rest % base)];
    rest /= base;
  }
  return digest;
}

/** A log-normally distributed value with the given median; `sigma` 0.35 puts the 99th percentile at 2.3 medians. */
export function logNormal(random: Random, median: number, sigma = 0.35): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}
