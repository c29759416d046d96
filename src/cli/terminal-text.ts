/** Text as a terminal may be given it: nothing in it acts, and its width in columns is known. Pure. */
import { stripVTControlCharacters } from "node:util";

/** Controls, and the marks that turn the direction of what follows. */
const acting = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** One line in which nothing moves the cursor, whatever a repository's tests or a stranger's error print. */
export function plainLine(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\t", "  ").replace(acting, " ").trimEnd();
}

const noColumn = /^(\p{M}|\p{Cf})$/u;
const twoColumns =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]$/u;

function columnsOf(character: string): number {
  if (noColumn.test(character)) return 0;
  return twoColumns.test(character) ? 2 : 1;
}

/** Columns that the text takes, colours left out. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += columnsOf(character);
  return width;
}

/** At most `columns` wide; what is cut ends in "…". The text must have no colours. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let width = 0;
  let kept = "";
  for (const character of text) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** As {@link cutTo}, filled with spaces to `columns`; the text may have colours when it is not too wide. */
export function padded(text: string, columns: number): string {
  const width = widthOf(text);
  return width > columns ? cutTo(text, columns) : text + " ".repeat(columns - width);
}

/** The text in lines of at most `columns`, broken at spaces. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}

/** `0.4s`, `12.3s`, `4m05s`, `2h03m`, `3d4h`. */
export function shownDuration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  return `${Math.floor(minutes / 1_440)}d${Math.floor((minutes % 1_440) / 60)}h`;
}

/** The time of day, local. */
export function shownTime(date: Date | undefined): string {
  if (!date) return "--:--:--";
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** `1 task`, `2 tasks`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
