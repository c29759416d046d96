/**
 * Loads the settings: defaults, then the file, then the environment, then flags; the later wins. Pure but for the reading of
 * the file, which is a parameter. Every fault of every source is told in one INVALID_CONFIG, that of an overridden value
 * too: it would bite whoever removes the override.
 */
import { isAbsolute, join } from "node:path";
import { portFaults } from "../ports.ts";
import { type Environment, environmentSettings } from "./environment.ts";
import { type ConfigFault, configError, shown } from "./fault.ts";
import { type FileSaid, readSettings, type Said } from "./file.ts";
import { type FlagValues, fileDefault, fileVariable, flagOf, rowOf } from "./names.ts";
import { type Config, type SettingName, settingNames } from "./settings.ts";

export interface ConfigSources {
  readonly env: Environment;
  /** Absolute. */
  readonly cwd: string;
  /** The text of a file, or undefined where there is none. */
  readonly readFile: (path: string) => string | undefined;
  readonly flags?: FlagValues;
  /** The value of `--config`. */
  readonly file?: string;
  /** Roles that one process will serve, for the check that no two ports clash; default 1, a pod's. */
  readonly places?: number;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value was said: `default`, `FILE:LINE:COLUMN`, a variable, a flag. */
  readonly origins: Readonly<Record<SettingName, string>>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
}

/** Throws INVALID_CONFIG with all faults. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const file = fileSettings(sources);
  const env = environmentSettings(sources.env, sources.cwd);
  const faults: ConfigFault[] = [...file.faults, ...env.faults];
  const values = new Map<SettingName, { value: unknown; where: string }>();
  for (const said of [...defaults(sources.cwd), ...file.said, ...env.said, ...flagSettings(sources)]) {
    const outcome = rowOf(said.setting).kind.schema(said.base).safeParse(said.value);
    if (outcome.success) values.set(said.setting, { value: outcome.data, where: said.where });
    else faults.push(valueFault(said));
  }
  const config = nested(values);
  for (const { setting, description } of portFaults(config.server, sources.places ?? 1))
    faults.push({ setting, where: values.get(setting)?.where ?? "default", description });
  if (faults.length > 0) throw configError(faults);
  const origins = Object.fromEntries(
    settingNames.map((name) => [name, values.get(name)?.where ?? "default"]),
  );
  return Object.freeze({
    config,
    origins: Object.freeze(origins) as LoadedConfig["origins"],
    file: file.path,
  });
}

function valueFault({ setting, value, where }: Said): ConfigFault {
  const asShown = rowOf(setting).secret ? "something else (a secret, not shown)" : shown(value);
  const what = value === null ? "has no value" : `is ${asShown}`;
  return { setting, where, description: `${what}; allowed: ${rowOf(setting).kind.allowed}` };
}

/** An unset default is left out: `nested` fills it in. */
function defaults(cwd: string): Said[] {
  return settingNames
    .map((setting) => ({ setting, value: rowOf(setting).default, where: "default", base: cwd }))
    .filter(({ value }) => value !== undefined);
}

function flagSettings({ flags = {}, cwd }: ConfigSources): Said[] {
  return settingNames
    .map((setting) => ({ setting, value: flags[setting], where: `--${flagOf(setting).flag}`, base: cwd }))
    .filter(({ value }) => value !== undefined);
}

function fileSettings(sources: ConfigSources): FileSaid & { readonly path: string | undefined } {
  const named = sources.file ?? (sources.env[fileVariable] || undefined);
  const shownPath = named ?? fileDefault;
  const path = isAbsolute(shownPath) ? shownPath : join(sources.cwd, shownPath);
  const text = sources.readFile(path);
  if (text !== undefined) return { ...readSettings(text, path, shownPath), path };
  if (named === undefined) return { said: [], faults: [], path: undefined };
  const where = sources.file === undefined ? fileVariable : "--config";
  return {
    said: [],
    faults: [{ setting: shownPath, where, description: "is no file that can be read" }],
    path: undefined,
  };
}

function nested(values: ReadonlyMap<SettingName, { readonly value: unknown }>): Config {
  const config: Record<string, Record<string, unknown>> = {};
  for (const name of settingNames) {
    const [section = "", key = ""] = name.split(".");
    config[section] ??= {};
    config[section][key] = Object.freeze(values.get(name)?.value ?? rowOf(name).default);
  }
  for (const section of Object.values(config)) Object.freeze(section);
  return Object.freeze(config) as unknown as Config;
}
