/** How commands speak: answers on stdout, everything else on stderr; colours where a person looks. */
import pico from "picocolors";
import { hostEnvironment } from "../core/config/host.ts";
import { padded, plainLine, widthOf } from "./terminal-text.ts";

export type Colors = ReturnType<typeof pico.createColors>;

/** Colours for a stream: none where it is no terminal, or where NO_COLOR asks for none. */
export function colorsFor(stream: { readonly isTTY?: boolean }): Colors {
  const { NO_COLOR, TERM } = hostEnvironment(["NO_COLOR", "TERM"]);
  return pico.createColors(stream.isTTY === true && !NO_COLOR && TERM !== "dumb");
}

/** For stdout and stderr; whoever prints to one of them takes that one's. */
export const out: Colors = colorsFor(process.stdout);
export const err: Colors = colorsFor(process.stderr);

/** The answer of a command. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What a person may want to know besides the answer. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** One object a line, for streams. */
export function printJsonLine(value: unknown): void {
  print(JSON.stringify(value));
}

const columnsDefault = 80;

/** How wide tables may be. */
export function columnsOf(stream: { readonly columns?: number }): number {
  return stream.columns || Number(hostEnvironment(["COLUMNS"]).COLUMNS) || columnsDefault;
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Colours the padded cell. */
  readonly paint?: (cell: string, row: Row) => string;
  readonly right?: boolean;
  /** Narrowed, to this at least, when the table is too wide; others keep their width. */
  readonly least?: number;
}

const gap = 2;

/** A table no wider than `columns`: where it would be, the columns with a `least` give way, the widest first. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width = columnsOf(process.stdout), colors = out }: { width?: number; colors?: Colors } = {},
): string {
  const cells = rows.map((row) => columns.map((column) => plainLine(column.cell(row))));
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.head), ...cells.map((row) => widthOf(row[index] ?? ""))),
  );
  narrow(columns, widths, width);
  const line = (texts: readonly string[], paint: (text: string, column: number) => string) =>
    texts
      .map((text, index) => {
        const columnWidth = widths[index] ?? 0;
        const last = index === texts.length - 1;
        const full = columns[index]?.right
          ? " ".repeat(Math.max(0, columnWidth - widthOf(text))) +
            padded(text, Math.min(columnWidth, widthOf(text)))
          : padded(text, columnWidth);
        return paint(last ? full.trimEnd() : full, index);
      })
      .join(" ".repeat(gap))
      .trimEnd();
  const heads = columns.map((column) => column.head);
  const lines = cells.map((row, at) =>
    line(row, (text, index) => columns[index]?.paint?.(text, rows[at] as Row) ?? text),
  );
  return [line(heads, (text) => colors.dim(text)), ...lines].join("\n");
}

function narrow<Row>(columns: readonly Column<Row>[], widths: number[], width: number): void {
  const total = () => widths.reduce((sum, one) => sum + one, 0) + gap * (widths.length - 1);
  while (total() > width) {
    const givers = columns.flatMap(({ least }, index) =>
      least !== undefined && (widths[index] ?? 0) > least ? [index] : [],
    );
    if (givers.length === 0) return;
    const widest = givers.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
