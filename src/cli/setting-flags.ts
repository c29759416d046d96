/** The settings as flags of commands, and the configuration that a command's flags, its environment and its file make. */
import { type Command, Option } from "commander";
import { type ConfigSources, type LoadedConfig, loadConfig } from "../core/config/load.ts";
import { flagOf, flagValuesOf, settingsTakenBy } from "../core/config/names.ts";
import type { CommandKind } from "../core/config/setting.ts";
import type { SettingName } from "../core/config/settings.ts";
import { processSources } from "../core/config/sources.ts";

const settingsHeading = "Settings:";

/**
 * Adds the flags of all settings that commands of these kinds take, under a heading of their own in `--help`. `except`: those that
 * the command chooses by itself.
 */
export function addSettings(
  command: Command,
  kinds: readonly CommandKind[],
  except: readonly SettingName[] = [],
): Command {
  const names = new Set(kinds.flatMap((kind) => settingsTakenBy(kind)));
  for (const name of names) {
    if (except.includes(name)) continue;
    const { flags, description, repeats } = flagOf(name);
    const option = new Option(flags, description).helpGroup(settingsHeading);
    if (repeats) option.argParser((value: string, all: string[] = []) => [...all, value]);
    command.addOption(option);
  }
  return command;
}

/** Settings that a command chooses by itself, over what anybody says. */
export type Chosen = Readonly<Partial<Record<SettingName, unknown>>>;

export interface LoadOptions {
  readonly places?: number;
  readonly chosen?: Chosen;
}

/** Throws INVALID_CONFIG with all faults. */
export function loadSettings(command: Command, { places, chosen }: LoadOptions = {}): LoadedConfig {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  const sources: ConfigSources = {
    ...processSources(),
    flags: { ...flagValuesOf(settingOptions(command)), ...chosen },
    file: config,
    places,
  };
  return loadConfig(sources);
}

/** What the flags of settings say: an option of the command's own may have the name of one that it does not take. */
function settingOptions(command: Command): Record<string, unknown> {
  const said: Record<string, unknown> = command.opts();
  const names = command.options
    .filter((option) => option.helpGroupHeading === settingsHeading)
    .map((option) => option.attributeName());
  return Object.fromEntries(names.map((name) => [name, said[name]]));
}
