/** Runs pieces of work, at most `width` at a time, in the order in which they came. */
export function createTurns(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // Whoever comes next takes this turn over.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
