/** Every check of the doctor, in the order in which it tells of them. */
import type { Command } from "commander";
import { MeshError } from "../../core/errors.ts";
import { reasons } from "../../core/reasons.ts";
import { loadRoles } from "../load-roles.ts";
import { loadSettings } from "../setting-flags.ts";
import { checkBodies } from "./bodies.ts";
import { type Check, type Finding, fail, ok, type Patient } from "./check.ts";
import { checkLimits, checkNode, checkSandbox, checkTools } from "./machine.ts";
import { checkPorts } from "./ports.ts";
import { checkSettings } from "./settings.ts";
import { checkStore } from "./store.ts";

const checks: readonly Check[] = [
  checkNode,
  checkSettings,
  checkStore,
  checkBodies,
  checkPorts,
  checkSandbox,
  checkLimits,
  checkTools,
];

/** All findings. Where the settings are at fault nothing else can be looked at. */
export async function examine(self: Command): Promise<readonly Finding[]> {
  let patient: Patient;
  try {
    const loaded = loadSettings(self);
    const roles = await loadRoles(loaded.config.roles.modules);
    patient = { self, roles, loaded: loadSettings(self, { places: roles.length }) };
  } catch (error) {
    const { message, reason } = MeshError.from(error);
    return [fail("settings", message, reasons[reason].wayOut)];
  }
  const found = await Promise.all(checks.map((check) => guarded(check, patient)));
  const own = patient.roles.length;
  return [...found.flat(), ok("roles", `${own}: ${patient.roles.map(({ name }) => name).join(", ")}`)];
}

async function guarded(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check(patient);
  } catch (error) {
    return [fail("doctor", `a check failed: ${(error as Error).message}`, "report it")];
  }
}
