/** A task's or a workflow's input as the command line gives it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { MeshError } from "../core/errors.ts";

export const inputOptionHelp =
  "one field of the input: NAME=TEXT, or NAME:=JSON. A text that is or begins with . or .. as a path does becomes " +
  "an absolute path; repeatable";

/** An object of what `--input` says, each once. Throws INVALID_FIELD that names the option. */
export function inputFields(said: readonly string[], cwd = process.cwd()): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const one of said) {
    const [, name, json, value] = /^([\w.-]+?)(:?)=(.*)$/s.exec(one) ?? [];
    if (name === undefined || value === undefined)
      throw invalid("--input", `"${one.slice(0, 80)}" has no name; write NAME=TEXT or NAME:=JSON`);
    if (Object.hasOwn(input, name)) throw invalid("--input", `"${name}" is given twice`);
    input[name] = json ? parsedJson(value, `--input ${name}`) : pathOrText(value, cwd);
  }
  return input;
}

/** A server elsewhere on this machine has another working directory. */
function pathOrText(value: string, cwd: string): string {
  return /^\.\.?(\/|$)/.test(value) ? resolve(cwd, value) : value;
}

/** The positional input: JSON, `@FILE` or `-` for stdin; undefined: none. */
async function wholeInput(said: string | undefined): Promise<unknown> {
  if (said === undefined) return undefined;
  if (said === "-") return parsedJson(await text(process.stdin), "stdin");
  if (said.startsWith("@")) return parsedJson(readText(said.slice(1)), said.slice(1));
  return parsedJson(said, "input");
}

/** The two together; fields are added to an object. */
export async function inputOf(said: string | undefined, fields: readonly string[]): Promise<unknown> {
  const whole = await wholeInput(said);
  if (fields.length === 0) return whole;
  const added = inputFields(fields);
  if (whole === undefined) return added;
  if (whole === null || typeof whole !== "object" || Array.isArray(whole))
    throw invalid("--input", "fields can be added to a JSON object alone");
  return { ...whole, ...added };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(file, `cannot be read: ${(error as Error).message}`);
  }
}

function parsedJson(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(field, `is no JSON: ${(error as Error).message}`);
  }
}

function invalid(field: string, description: string): MeshError {
  return MeshError.invalid([{ field, description }]);
}
