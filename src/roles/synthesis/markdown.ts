/**
 * Markdown from text that others wrote: names of tests, messages, paths. Whatever they hold, they stay text, on their line
 * and in their cell. Pure.
 */
import { oneLine } from "../security/text.ts";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;" };

/**
 * Text as one line of prose. A pipe becomes an entity, not `\|`: renderers differ on what a backslash before that means.
 * An underscore within a word stays, since only those at its ends mean emphasis.
 */
export function prose(text: string, lengthMax = 300): string {
  return oneLine(text, lengthMax)
    .replace(/[&<]/g, (character) => entities[character]!)
    .replace(/[\\`*[\]~]/g, "\\$&")
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_")
    .replaceAll("|", "&#124;")
    .replace(/^(\d+)([.)])/, "$1\\$2")
    .replace(/^[#+=>-]/, "\\$&");
}

/** Text as code. Where it holds a backtick or a pipe, as an HTML element, since a code span cannot hold those everywhere. */
export function code(text: string, lengthMax = 200): string {
  const line = oneLine(text, lengthMax);
  if (line === "") return "";
  if (!/[`|]/.test(line)) return `\`${line}\``;
  return `<code>${line.replace(/[^\p{L}\p{N} ]/gu, (character) => `&#${character.codePointAt(0)};`)}</code>`;
}

/** A block of code; the fence is longer than any in the text. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A table; its cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

/** Blocks with an empty line between them; empty blocks are left out. */
export function blocks(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}

/** "850 ms", "1.2 s", "2 min 5 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
