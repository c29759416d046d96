/** What the help texts of all commands share. */
import { type Command, InvalidArgumentError } from "commander";

/** A command line and what it does. */
export type Example = readonly [line: string, does: string];

/** Ends a command's help with examples. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  const lines = examples.map(([line, does]) => `  # ${does}\n  $ ${line}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** `--json`, for every command that answers something. */
export function withJson(command: Command): Command {
  return command.option("--json", "print the answer on stdout as JSON, for programs");
}

/** For an option's value: a whole number in a range. */
export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** For a repeated option: gathers the values. */
export function gathered(value: string, all: readonly string[] = []): string[] {
  return [...all, value];
}

/** For a repeated option of the form `NAME=VALUE`. */
export function pairs(value: string, all: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = value.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write it as NAME=VALUE.");
  return { ...all, [value.slice(0, at)]: value.slice(at + 1) };
}

const secondsOf: Readonly<Record<string, number>> = { "": 1, "/s": 1, "/m": 60, "/h": 3_600 };

/** For an option's value: `5/s`, `30/m`, `100/h`, or a number a second; answers in tasks a second. */
export function perSecond(value: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(\/[smh])?$/.exec(value) ?? [];
  const rate = Number(number) / (secondsOf[unit] ?? 1);
  if (number !== "" && rate > 0) return rate;
  throw new InvalidArgumentError("Write it as 5/s, 30/m or 100/h.");
}

/** For an option's value: a number in a range. */
export function numberBetween(min: number, max: number): (value: string) => number {
  return (value) => {
    const parsed = value.trim() === "" ? Number.NaN : Number(value);
    if (parsed >= min && parsed <= max) return parsed;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}
