/** The settings: which file was read, and where each value that is no default was said. */
import { flagValuesOf, rowOf } from "../../core/config/names.ts";
import { type SettingName, settingNames } from "../../core/config/settings.ts";
import { redactUrls } from "../../core/redact.ts";
import { type Check, type Finding, ok } from "./check.ts";

export const checkSettings: Check = async ({ loaded, self }) => {
  const { file, origins } = loaded;
  const changed = settingNames.filter((name) => origins[name] !== "default");
  const flags = Object.keys(flagValuesOf(self.optsWithGlobals())).length;
  const from = file === undefined ? "no agentmesh.yaml here; defaults hold" : `read from ${file}`;
  const head = ok("settings", `${from}; ${changed.length} changed${flags > 0 ? `, ${flags} by flags` : ""}`);
  return [
    head,
    ...changed.map((name): Finding => ok(name, `${shownValue(loaded, name)} (${origins[name]})`)),
  ];
};

function shownValue({ config }: Parameters<Check>[0]["loaded"], name: SettingName): string {
  if (rowOf(name).secret) return "set, not shown";
  const [section = "", key = ""] = name.split(".");
  const value = (config as unknown as Record<string, Record<string, unknown>>)[section]?.[key];
  return redactUrls(Array.isArray(value) ? value.join(", ") : String(value));
}
