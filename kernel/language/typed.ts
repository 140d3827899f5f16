/**
 * The part of a name before `at` that a completion takes the place of: of an import's string the text behind the last slash, dashes and
 * colons included; elsewhere an identifier.
 */
export function typedBefore(code: string, at: number): string {
  const before = code.slice(0, at);
  const specifier = /\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]*)$/.exec(before)?.[2];
  return specifier === undefined
    ? /[\p{ID_Continue}$]*$/u.exec(before)![0]
    : specifier.slice(specifier.lastIndexOf('/') + 1);
}
