/** A sentence that may hold somebody else's words, kept within the bound that the schema sets for it. */
export function clip(text: string, limit = 1_024): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
