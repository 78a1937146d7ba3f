/** A number in [0, 1). */
export type Random = () => number;

/** The sfc32 generator (Doty-Humphrey, PractRand): quick, and each list of numbers seeds its own sequence. */
export function seeded(...seeds: readonly number[]): Random {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (const seed of seeds) {
    a ^= seed | 0;
    b = (b + Math.imul(seed | 0, 0x85ebca6b)) | 0;
    for (let round = 0; round < 8; round++) next();
  }
  return () => next() / 2 ** 32;
}

/** A number for a text, to seed with (FNV-1a). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** `ln k! − (Stirling's leading terms)`, as rejection samplers want it. */
function stirlingTail(k: number): number {
  const TABLE = [0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211];
  const known = TABLE[k];
  if (known !== undefined) return known;
  const square = (k + 1) ** 2;
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}

function logFactorial(k: number): number {
  return (k + 0.5) * Math.log(k + 1) - (k + 1) + 0.5 * Math.log(2 * Math.PI) + stirlingTail(k);
}

/** A Poisson variable: by products below a mean of 10, else PTRS (Hörmann 1993, Insurance: Math. and Economics 12). */
export function poisson(random: Random, mean: number): number {
  if (mean <= 0) return 0;
  if (mean < 10) {
    const limit = Math.exp(-mean);
    let [k, product] = [0, random()];
    while (product > limit) {
      k++;
      product *= random();
    }
    return k;
  }
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverse = 1.1239 + 1.1328 / (b - 3.4);
  const certain = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= certain) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (Math.log((v * inverse) / (a / (us * us) + b)) <= k * Math.log(mean) - mean - logFactorial(k)) return k;
  }
}

/** A binomial variable: by inversion while few are expected, else BTRS (Hörmann 1993, J. Stat. Comp. Simul. 46). */
export function binomial(random: Random, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(random, n, 1 - p);
  return n * p < 10 ? byInversion(random, n, p) : byRejection(random, n, p);
}

function byInversion(random: Random, n: number, p: number): number {
  const odds = p / (1 - p);
  let term = (1 - p) ** n;
  let u = random();
  for (let k = 0; k <= n; k++) {
    if (u < term) return k;
    u -= term;
    term *= (odds * (n - k)) / (k + 1);
  }
  return n;
}

function byRejection(random: Random, n: number, p: number): number {
  const spread = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const centre = n * p + 0.5;
  const certain = 0.92 - 4.2 / b;
  const odds = p / (1 - p);
  const alpha = (2.83 + 5.1 / b) * spread;
  const mode = Math.floor((n + 1) * p);
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + centre);
    if (us >= 0.07 && v <= certain) return k;
    if (k < 0 || k > n) continue;
    const accepted = Math.log((v * alpha) / (a / (us * us) + b));
    const bound =
      logFactorial(mode) + logFactorial(n - mode) - logFactorial(k) - logFactorial(n - k) + (k - mode) * Math.log(odds);
    if (accepted <= bound) return k;
  }
}

/** Errors among `n` requests that come in clusters of geometric size with mean `size`; never more than `n`. */
export function clustered(random: Random, n: number, p: number, size: number): number {
  if (size <= 1) return binomial(random, n, p);
  const clusters = poisson(random, (n * p) / size);
  const goOn = 1 - 1 / size;
  let errors = clusters;
  for (let cluster = 0; cluster < clusters; cluster++) {
    errors += Math.floor(Math.log(1 - random()) / Math.log(goOn));
  }
  return Math.min(n, errors);
}
