/** A setting's names in the environment and on the command line, derived from its dotted name. */

import type { CommandKind, Setting } from "./setting.ts";
import { type SettingName, settingNames, settings } from "./settings.ts";

/** Names the file of settings; not a setting itself, since the file cannot name itself. The flag is `--config`. */
export const fileVariable = "AGENTMESH_CONFIG";

/** The file that is read from the working directory when none is named. */
export const fileDefault = "agentmesh.yaml";

/** `server.httpPort` → `server`, `http`, `port`. */
function wordsOf(name: string): string[] {
  return name.split(/\.|(?=[A-Z])/).map((word) => word.toLowerCase());
}

/** `server.httpPort` → `AGENTMESH_SERVER_HTTP_PORT`. */
export function variableOf(name: SettingName): string {
  return ["AGENTMESH", ...wordsOf(name)].join("_").toUpperCase();
}

/** What commander needs for a setting's option. Its default stays unset there: the flags' values come last, if given. */
export interface SettingFlag {
  readonly setting: SettingName;
  /** Such as `--http-port <port>`. */
  readonly flags: string;
  /** The long name without dashes, such as `http-port`. */
  readonly flag: string;
  /** The key of its value in commander's options, such as `httpPort`. */
  readonly attribute: string;
  /** The doc, the default and the variable, for `--help`. */
  readonly description: string;
  /** Given several times, the values are gathered into a list. */
  readonly repeats: boolean;
}

/** The row of a setting with its value's type forgotten. */
export function rowOf(name: SettingName): Setting<unknown> {
  return settings[name] as Setting<unknown>;
}

/** The flag of one setting. */
export function flagOf(name: SettingName): SettingFlag {
  const row = rowOf(name);
  const flag = row.flag ?? wordsOf(name).join("-");
  const attribute = flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const byDefault = row.default === undefined || row.default === "" ? "" : `default ${defaultText(name)}, `;
  return {
    setting: name,
    flags: `--${flag}${row.kind.argument ? ` ${row.kind.argument}` : ""}`,
    flag,
    attribute,
    description: `${row.doc} (${byDefault}or ${variableOf(name)})`,
    repeats: row.kind.repeats ?? false,
  };
}

/** The default as a person would write it. */
export function defaultText(name: SettingName): string {
  const value = rowOf(name).default;
  if (value === undefined) return "unset";
  if (Array.isArray(value)) return value.join(",") || "none";
  if (typeof value !== "object" || value === null) return String(value);
  const pairs = Object.entries(value).map((pair) => pair.join("="));
  return pairs.join(",") || "none";
}

/** The settings that commands of a kind take as flags; secrets have none. */
export function settingsTakenBy(kind: CommandKind): readonly SettingName[] {
  return settingNames.filter((name) => rowOf(name).takenBy.includes(kind) && !rowOf(name).secret);
}

/** What the command line says, by setting; undefined: nothing. */
export type FlagValues = Readonly<Partial<Record<SettingName, unknown>>>;

/** The settings among commander's options; other options are left out. */
export function flagValuesOf(options: Readonly<Record<string, unknown>>): FlagValues {
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of settingNames) {
    const value = options[flagOf(name).attribute];
    if (value !== undefined) values[name] = value;
  }
  return values;
}
