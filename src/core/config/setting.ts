/** What one row of the table of settings is, and the kinds of values that rows choose from. */
import { isIP } from "node:net";
import { isAbsolute, join } from "node:path";
import { z } from "zod";

/** The commands that take a setting as a flag: those that serve, those that only work, those that call a server. */
export type CommandKind = "server" | "worker" | "client";

/** How a text or a YAML value becomes the setting's value. */
export interface Kind<Value> {
  /** Parses what the file, the environment or a flag says; `base` is the directory that relative paths start from. */
  readonly schema: (base: string) => z.ZodType<Value>;
  /** What is allowed, in words that follow "allowed: ". */
  readonly allowed: string;
  /** The flag's argument in `--help`, such as `<port>`; empty for a switch. */
  readonly argument: string;
  /** The flag may be given several times. */
  readonly repeats?: boolean;
}

export interface Setting<Value> {
  readonly kind: Kind<Value>;
  readonly default: Value;
  /** Why this default and no other. */
  readonly because: string;
  /** One line of doc. */
  readonly doc: string;
  /** Without dashes; default: the dotted name with dashes. */
  readonly flag?: string;
  readonly takenBy: readonly CommandKind[];
  /** Never shown, and no flag: every user of a machine sees its command lines. */
  readonly secret?: boolean;
}

/** The row as it is, with its value's type inferred from its kind. */
export function setting<const Value>(row: Setting<Value>): Setting<Value> {
  return row;
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly argument?: string;
}

const digits = z
  .string()
  .regex(/^\s*\d+\s*$/)
  .transform(Number);

/** A whole number in a range; units are in the setting's name. */
export function whole({ min, max, argument = "<number>" }: NumberRange): Kind<number> {
  const schema = z.union([z.int(), digits]).pipe(z.int().min(min).max(max));
  return { schema: () => schema, allowed: `a whole number from ${min} to ${max}`, argument };
}

/** The kind, or nothing: undefined is the default and cannot be written. */
export function optional<Value>(kind: Kind<Value>): Kind<Value | undefined> {
  return { ...kind, schema: (base) => kind.schema(base) };
}

/** A port, or 0 for any free one. */
export function port(): Kind<number> {
  const range = whole({ min: 0, max: 65_535, argument: "<port>" });
  return { ...range, allowed: "a port from 1 to 65535, or 0 for any free one" };
}

/** One of a few words. */
export function choice<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  const schema = z.enum(words);
  return { schema: () => schema, allowed: words.join(", "), argument: `<${words.join("|")}>` };
}

/** On or off; a flag needs no argument. */
export function yesNo(): Kind<boolean> {
  const schema = z.union([z.boolean(), z.stringbool()]);
  return { schema: () => schema, allowed: "true or false", argument: "" };
}

/** Text that is not empty and matches, described by `allowed`. */
export function text(allowed: string, argument: string, pattern = /\S/): Kind<string> {
  const schema = z.string().regex(pattern);
  return { schema: () => schema, allowed, argument };
}

/** An IP address that others can dial: no name, none that means "any", and none that a link's zone belongs to. */
export function ipAddress(): Kind<string> {
  const schema = z
    .string()
    .refine((value) => isIP(value) > 0 && !value.includes("%") && !/^[0:.]+$/.test(value));
  return {
    schema: () => schema,
    allowed: "an IP address such as 10.0.0.7 or 2001:db8::7",
    argument: "<address>",
  };
}

/** A path; a relative one starts at the working directory, or, in a file of settings, at that file's directory. */
export function path(): Kind<string> {
  const schema = (base: string) => z.string().min(1).transform(absoluteFrom(base));
  return { schema, allowed: "a path", argument: "<path>" };
}

/** Several paths: a list in the file, comma-separated in the environment, a repeated flag. */
export function paths(): Kind<readonly string[]> {
  const split = (value: string) => value.split(",").map((part) => part.trim());
  const schema = (base: string) =>
    z
      .union([z.array(z.string()), z.string().transform(split)])
      .pipe(z.array(z.string().min(1).transform(absoluteFrom(base))));
  return {
    schema,
    allowed: "a list of paths (comma-separated in the environment)",
    argument: "<path>",
    repeats: true,
  };
}

export interface LabelBounds {
  readonly labelsMax: number;
  /** Of a name, and of a value. */
  readonly bytesMax: number;
}

/** Labels: a mapping in the file, comma-separated NAME=VALUE in the environment, a repeated flag. */
export function labels({ labelsMax, bytesMax }: LabelBounds): Kind<Readonly<Record<string, string>>> {
  const name = z.string().regex(/^[^=\p{Cc}]+$/u, "a name is not empty and has no '='");
  const fits = (text: string) => Buffer.byteLength(text) <= bytesMax;
  const value = z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]);
  const split = (text: string) => text.split(",").map((part) => part.trim());
  const pair = z
    .string()
    .regex(/^[^=]+=/, "write it as NAME=VALUE")
    .transform((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)] as const);
  const fromPairs = z.array(pair).transform((pairs) => Object.fromEntries(pairs));
  const schema = z
    .union([z.record(z.string(), value), fromPairs, z.string().transform(split).pipe(fromPairs)])
    .pipe(
      z.record(
        name.refine(fits),
        z
          .string()
          .regex(/^\P{Cc}*$/u)
          .refine(fits),
      ),
    )
    .refine((all) => Object.keys(all).length <= labelsMax);
  return {
    schema: () => schema,
    allowed: `NAME=VALUE, comma-separated in the environment; ${labelsMax} labels of ${bytesMax} bytes at most`,
    argument: "<name=value>",
    repeats: true,
  };
}

function absoluteFrom(base: string): (value: string) => string {
  return (value) => (isAbsolute(value) ? value : join(base, value));
}
