/**
 * The part of a name before `at` that a completion takes the place of: of an import's string the text behind the last slash, dashes and
 * colons included; of any other string what is written of it; elsewhere an identifier.
 */
export function typedBefore(code: string, at: number): string {
  const before = code.slice(0, at);
  const specifier = /\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]*)$/.exec(before)?.[2];
  if (specifier !== undefined) return specifier.slice(specifier.lastIndexOf('/') + 1);
  return openString(before) ?? /[\p{ID_Continue}$]*$/u.exec(before)![0];
}

/** Whether what is typed before `at` belongs to a string. */
export const isWithinString = (code: string, at: number): boolean =>
  openString(code.slice(0, at)) !== undefined;

/** What a text that ends within a string in quotes has of that string. */
function openString(text: string): string | undefined {
  const tokens =
    /\/\/.*|\/\*[\s\S]*?(?:\*\/|$)|`(?:\\[\s\S]|[^\\`])*(?:`|$)|(['"])((?:\\.|(?!\1)[^\\\n])*)(\1|\n|$)/g;
  for (const { index, 0: whole, 2: content, 3: end } of text.matchAll(tokens))
    if (content !== undefined && end === '' && index + whole.length === text.length) return content;
  return undefined;
}
