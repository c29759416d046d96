/**
 * The scripts that the registry changes and reads by, one Lua file each. They are sent by their hash, and whole to a server that
 * does not know them yet: a heartbeat every few seconds is nothing that a library would make faster, and a script finds the
 * server of its key by itself, in a cluster too.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const scriptNames = ["register", "heartbeat", "deregister", "list"] as const;
export type ScriptName = (typeof scriptNames)[number];

export interface Script {
  readonly source: string;
  readonly sha1: string;
}

/** Reads every script from the files beside this one. */
export function loadScripts(): Readonly<Record<ScriptName, Script>> {
  const base = read("base");
  const entries = scriptNames.map((name): [ScriptName, Script] => {
    const text = read(name);
    const shebangEnd = text.indexOf("\n") + 1;
    const source = text.slice(0, shebangEnd) + base + text.slice(shebangEnd);
    return [name, { source, sha1: createHash("sha1").update(source).digest("hex") }];
  });
  return Object.fromEntries(entries) as Record<ScriptName, Script>;
}

function read(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
}
