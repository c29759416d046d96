/** A curve in one line of a terminal. Pure. */
const bars = "▁▂▃▄▅▆▇█";

/** The most within each of `columns` stretches; nothing at all is the lowest bar. */
export function sparkline(values: readonly number[], columns: number): string {
  const most = Math.max(1e-9, ...values);
  const cells = Math.min(columns, values.length);
  return Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * values.length) / cells);
    const to = Math.max(from + 1, Math.floor(((cell + 1) * values.length) / cells));
    const value = Math.max(...values.slice(from, to));
    return bars[Math.min(bars.length - 1, Math.ceil((value / most) * (bars.length - 1)))];
  }).join("");
}
