/** The few pieces of Markdown that rendered pages share. */

/** The note at the head of a rendered page. */
export function generated(source: string): string {
  return `<!-- Rendered from ${source}: change that and run \`make docs\`. -->`;
}

/** A table; a bar in a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
