/** The file of settings: YAML, two levels deep, every fault with its line and column. */
import { dirname } from "node:path";
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import { type ConfigFault, didYouMean } from "./fault.ts";
import { type SettingName, settingNames } from "./settings.ts";

/** One setting as a source says it. */
export interface Said {
  readonly setting: SettingName;
  readonly value: unknown;
  readonly where: string;
  /** Where a relative path starts. */
  readonly base: string;
}

export interface FileSaid {
  readonly said: readonly Said[];
  readonly faults: readonly ConfigFault[];
}

const sections = [...new Set(settingNames.map((name) => name.split(".")[0]!))];

/** Reads the text of a file of settings. `path` is absolute; `shownPath` is what messages call it. */
export function readSettings(text: string, path: string, shownPath: string): FileSaid {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${shownPath}:${line}:${col}`;
  };
  const faults: ConfigFault[] = [...document.errors, ...document.warnings].map((error) => ({
    setting: "YAML",
    where: at(error.pos[0]),
    description: `cannot be read: ${error.message}`,
  }));
  if (faults.length > 0) return { said: [], faults };
  const said: Said[] = [];
  const reader: Reader = {
    at,
    faults,
    say: (name, value, where) => said.push({ setting: name, value, where, base: dirname(path) }),
  };
  const root = document.contents;
  if (isMap(root)) for (const pair of root.items) readSection(pair as Pair<Node, Node | null>, reader);
  else if (root !== null && !(isScalar(root) && root.value === null))
    faults.push({
      setting: "the file",
      where: at(0),
      description: `holds no settings; allowed: sections (${sections.join(", ")})`,
    });
  return { said, faults };
}

interface Reader {
  readonly at: (offset: number) => string;
  readonly faults: ConfigFault[];
  readonly say: (name: SettingName, value: unknown, where: string) => void;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function readSection(pair: Pair<Node, Node | null>, { at, faults, say }: Reader): void {
  const section = String(pair.key);
  const where = at(offsetOf(pair.key));
  if (!sections.includes(section)) {
    const dotted = settingNames.find((name) => name === section);
    const hint = dotted ? `; write "${dotted.replace(".", ": {")}: …}"` : didYouMean(section, sections);
    faults.push({ setting: section, where, description: `is no section of settings${hint}` });
    return;
  }
  if (pair.value === null || (isScalar(pair.value) && pair.value.value === null)) return;
  if (!isMap(pair.value)) {
    faults.push({
      setting: section,
      where,
      description: "is a section: its settings stand under it, indented",
    });
    return;
  }
  for (const inner of (pair.value as YAMLMap<Node, Node | null>).items) {
    const name = `${section}.${String(inner.key)}`;
    const known = settingNames.find((candidate) => candidate === name);
    if (known) say(known, inner.value?.toJSON() ?? null, at(offsetOf(inner.value ?? inner.key)));
    else
      faults.push({
        setting: name,
        where: at(offsetOf(inner.key)),
        description: `is no setting${didYouMean(name, settingNames)}`,
      });
  }
}
