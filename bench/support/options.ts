/** A benchmark's arguments: numbers with names, each with a default: `--rounds 7 --tasks 20000`. */
import { parseArgs } from "node:util";

/** Throws for an argument that is unknown or no number above 0. Pure. */
export function readOptions<Names extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Names, number>>,
): Record<Names, number> {
  const names = Object.keys(defaults) as Names[];
  const known = Object.fromEntries(names.map((name) => [name, { type: "string" } as const]));
  const { values } = parseArgs({ args: [...args], options: known, strict: true });
  return Object.fromEntries(
    names.map((name) => {
      const said = values[name];
      const value = said === undefined ? defaults[name] : Number(said);
      if (!(value > 0)) throw new TypeError(`--${name} ${said}: a number above 0 is needed`);
      return [name, value];
    }),
  ) as Record<Names, number>;
}

/** As {@link readOptions}, of this process. */
export function options<Names extends string>(defaults: Readonly<Record<Names, number>>) {
  return readOptions(process.argv.slice(2), defaults);
}
