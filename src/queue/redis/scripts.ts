/**
 * The functions that every change is made by: one Lua file each, and the parts that they share in lua/include. A function is
 * loaded into a server once, in a library of its own, so that a call makes none of what its function is made of; EVAL would make
 * it all anew each time, which costs more than most calls' work. Its name holds its hash: servers of several versions may share
 * one Redis.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const scriptNames = [
  "lease",
  "enqueue",
  "submit",
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
  "terms",
  "remove",
  "configure",
  "load",
  "announce",
] as const;

export type ScriptName = (typeof scriptNames)[number];

export interface Script {
  /** The function's name in Redis. */
  readonly name: string;
  readonly writes: boolean;
  /** The library that has it, for a server that does not know it yet. */
  readonly library: string;
}

export type Scripts = Readonly<Record<ScriptName, Script>>;

/** Reads every function from the files beside this one. */
export function loadScripts(): Scripts {
  const parts = new Map<string, Part>();
  const entries = scriptNames.map((name) => [name, scriptOf(readSource(name, parts), parts)] as const);
  return Object.fromEntries(entries) as Record<ScriptName, Script>;
}

/** A function after the parts that it uses. What a part has for itself alone is hidden: Lua has room for 200 locals. */
function scriptOf(source: Source, parts: ReadonlyMap<string, Part>): Script {
  const textOf = (part: string) => (parts.get(part) as Part).text;
  const own = source.definitions + source.begin + source.body;
  const blocks = source.includes.map((part) => {
    const others = source.includes.filter((other) => other !== part).map(textOf);
    return scoped(textOf(part), [...others, own].join("\n"));
  });
  const before = `local starting = {}\n${blocks.join("")}${source.definitions}`;
  const hash = createHash("sha256").update(before).update(own).digest("hex").slice(0, 12);
  const name = `agentmesh_${source.name}_${hash}`;
  return {
    name,
    writes: !source.flags.includes("no-writes"),
    library: `#!lua name=${name}\n${withConstants(before + register(name, source))}`,
  };
}

/** A shared part: its definitions, and a function that makes its state anew. */
interface Part {
  readonly text: string;
  /** Itself, after what it includes. */
  readonly includes: readonly string[];
}

interface Source {
  readonly name: ScriptName;
  readonly flags: readonly string[];
  /** The parts that it uses, those that they use first. */
  readonly includes: readonly string[];
  readonly definitions: string;
  /** How a call begins: what the file's own `--@state` lines say. */
  readonly begin: string;
  readonly body: string;
}

/** Takes the lines `--@include NAME` out of a text, and reads the parts that were not read before. */
function withIncludes(text: string, parts: Map<string, Part>): { text: string; includes: string[] } {
  const includes = new Set<string>();
  const rest = text.replace(/^--@include (\w+)\n/gm, (_, name: string) => {
    for (const part of readPart(name, parts).includes) includes.add(part);
    return "";
  });
  return { text: rest, includes: [...includes] };
}

function readPart(name: string, parts: Map<string, Part>): Part {
  const known = parts.get(name);
  if (known !== undefined) return known;
  const { text, includes } = withIncludes(read(`include/${name}`), parts);
  const { definitions, begin } = stateOf(text);
  // A function of its own: one of Lua's has room for 60 names from outside.
  const begins = `function starting.${name}(keys, args)\n${begin}end\n`;
  const part = { text: definitions + begins, includes: [...includes, name] };
  parts.set(name, part);
  return part;
}

function readSource(name: ScriptName, parts: Map<string, Part>): Source {
  const { text, includes } = withIncludes(read(name), parts);
  const flags = /^#!lua flags=(\S+)/.exec(text)?.[1]?.split(",") ?? [];
  const [before, body] = text.replace(/^#!lua.*\n/, "").split("--@main\n") as [string, string];
  return { name, flags, includes, ...stateOf(before), body };
}

function register(name: string, { flags, includes, begin, body }: Source): string {
  const begins = includes.map((part) => `starting.${part}(keys, args)\n`).join("") + begin;
  const flagList = flags.map((flag) => `'${flag}'`).join(", ");
  const callback = `function(keys, args)\n${begins}${body}end`;
  return `redis.register_function{function_name='${name}', flags={${flagList}}, callback=${callback}}\n`;
}

/** A part in a block of its own, outside of which only what `others` name is known. */
function scoped(text: string, others: string): string {
  const code = others.replace(/--.*|'(\\.|[^'\\])*'/g, "");
  const used = new Set(code.match(/(?<![.\w])[a-zA-Z_]\w*/g));
  const known = new Set<string>();
  const isKnown = (name: string) => used.has(name);
  const block = text
    .replace(/^local function (\w+)/gm, (line, name: string) => {
      if (!isKnown(name)) return line;
      known.add(name);
      return `function ${name}`;
    })
    .replace(/^local ([\w, ]+?)( =.*)?$/gm, (line, names: string, value = "") => {
      const all = names.split(", ");
      if (!all.some(isKnown)) return line;
      for (const name of all) known.add(name);
      return value === "" ? "" : names + value;
    });
  const head = known.size === 0 ? "" : `local ${[...known].join(", ")}\n`;
  return `${head}do\n${block}end\n`;
}

/**
 * Takes the lines `--@state NAMES = VALUES` out of a text: they become locals, which each call sets anew; and the lines
 * `--@once NAMES = VALUES`, which the first call sets.
 */
function stateOf(text: string): { readonly definitions: string; readonly begin: string } {
  let begin = "";
  const definitions = text.replace(
    /^--@(state|once) ([\w, ]+) = (.+)$/gm,
    (_, kind: string, names: string, values: string) => {
      const [first] = names.split(", ");
      begin += kind === "once" ? `if not ${first} then ${names} = ${values} end\n` : setAnew(names, values);
      return `local ${names}`;
    },
  );
  return { definitions, begin };
}

/** A table that the last call has not used is as good as a new one, and costs less. */
function setAnew(names: string, values: string): string {
  const each = values.split(", ");
  if (!each.includes("{}")) return `${names} = ${values}\n`;
  const lines = names.split(", ").map((name, index) => {
    const value = each[index] as string;
    return value === "{}"
      ? `if not ${name} or next(${name}) then ${name} = {} end\n`
      : `${name} = ${value}\n`;
  });
  return lines.join("");
}

/** Puts constants in where they are named, in place of the lines `--@constant NAME VALUE` that give them; drops comments. */
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
