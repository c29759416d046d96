/** A mutant: a small fault put into the sources, which a test must notice. */

/** `from` stands in the file exactly once. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  /** What is broken, in some words with dashes; unique. */
  readonly name: string;
  /** What would happen to whoever uses such a mesh. */
  readonly why: string;
  readonly edits: readonly Edit[];
  /** The test files that must fail; each passes without the mutant. */
  readonly tests: readonly string[];
}

/** The file's text with the edit made. Throws where `from` is not there exactly once. */
export function edited(text: string, { file, from, to }: Edit): string {
  const times = text.split(from).length - 1;
  if (times !== 1) throw new Error(`${file} has ${times} times, not once: ${from}`);
  return text.replace(from, () => to);
}
