/**
 * A pure function of one object that works each object out only once. Objects of the caches never change, and a new
 * version is a new object, so what was worked out stays true for as long as the object lives.
 */
export function rememberByObject<Input extends object, Output>(
  work: (input: Input) => Output,
): (input: Input) => Output {
  const known = new WeakMap<Input, { readonly output: Output }>();
  return (input) => {
    const held = known.get(input);
    if (held !== undefined) return held.output;
    const output = work(input);
    known.set(input, { output });
    return output;
  };
}

/** A pure function of a text that remembers its answers for the last texts, at most `limit` of them. */
export function rememberByText<Output>(limit: number, work: (text: string) => Output): (text: string) => Output {
  const known = new Map<string, { readonly output: Output }>();
  return (text) => {
    const held = known.get(text);
    if (held !== undefined) return held.output;
    const oldest = known.keys().next();
    if (known.size >= limit && oldest.done !== true) known.delete(oldest.value);
    const output = work(text);
    known.set(text, { output });
    return output;
  };
}
