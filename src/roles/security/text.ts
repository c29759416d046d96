/** Text from a repository, made fit for one line of a report. */

/** `text` on one line without characters that control or are not shown, cut to `lengthMax` code units with an ellipsis. */
export function oneLine(text: string, lengthMax: number): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .toWellFormed();
  return line.length <= lengthMax
    ? line
    : `${line
        .slice(0, lengthMax - 1)
        .trimEnd()
        .toWellFormed()}…`;
}

/** "1 file", "2,000 files". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** The first few of `items`, then how many more there are. */
export function listed(items: readonly string[], shown = 5): string {
  const rest = items.length - shown;
  return items.slice(0, shown).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
