/**
 * The Lua scripts: one file a command, with the parts that they share put in, once each, where a line says `--@include NAME`,
 * and constants by name.
 * Each is called by its hash; a server that does not know it (a restart, SCRIPT FLUSH, a failover) is sent the whole once.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const scriptNames = [
  "enqueue",
  "submit",
  "lease",
  "renew",
  "append",
  "finish",
  "cancel",
  "retry",
  "expire",
  "link",
  "settle",
  "sweep",
  "stats",
  "page",
  "log",
  "get",
  "remove",
  "configure",
  "load",
  "announce",
] as const;

export type ScriptName = (typeof scriptNames)[number];

export interface Script {
  readonly body: string;
  readonly sha: string;
}

export type Scripts = Readonly<Record<ScriptName, Script>>;

/** Reads every script from the files beside this one. */
export function loadScripts(): Scripts {
  const entries = scriptNames.map((name) => [name, loadScript(name)]);
  return Object.fromEntries(entries) as Record<ScriptName, Script>;
}

function loadScript(name: ScriptName): Script {
  const body = withConstants(expand(read(name), new Set()));
  return { body, sha: createHash("sha1").update(body).digest("hex") };
}

/** Puts the parts in that a text includes, and those that they include. */
function expand(text: string, included: Set<string>): string {
  return text.replace(/^--@include (\w+)$/gm, (_, part: string) => {
    if (included.has(part)) return "";
    included.add(part);
    return expand(read(`include/${part}`), included);
  });
}

/** Puts constants in where they are named, in place of the lines `--@constant NAME VALUE` that give them. */
function withConstants(text: string): string {
  const constants = new Map<string, string>();
  const rest = text.replace(/^--@constant (\w+) (.+)\n/gm, (_, name: string, value: string) => {
    constants.set(name, value);
    return "";
  });
  const code = rest.replace(/^ *--.*\n/gm, "");
  return code.replace(/\b[A-Z][A-Z_]+\b/g, (name) => constants.get(name) ?? name);
}

function read(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
}
