/** Settings said by AGENTMESH_* variables. An empty variable counts as unset, as composing tools leave them. */
import { type ConfigFault, didYouMean } from "./fault.ts";
import type { FileSaid, Said } from "./file.ts";
import { fileVariable, variableOf } from "./names.ts";
import { type SettingName, settingNames } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes adds such variables for every Service whose name begins with "agentmesh-"; they are not ours to judge. */
const serviceLink =
  /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const serviceAddress = /^(tcp|udp|sctp):\/\//;

function isServiceLink(variable: string, value: string): boolean {
  return serviceLink.test(variable) || (variable.endsWith("_PORT") && serviceAddress.test(value));
}

/** Every setting that the environment says, and a fault for each AGENTMESH_* variable that is none. */
export function environmentSettings(env: Environment, cwd: string): FileSaid {
  const names = new Map<string, SettingName>(settingNames.map((name) => [variableOf(name), name]));
  const said: Said[] = [];
  const faults: ConfigFault[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("AGENTMESH_") || !value || variable === fileVariable) continue;
    const setting = names.get(variable);
    if (setting && !isServiceLink(variable, value)) said.push({ setting, value, where: variable, base: cwd });
    else if (!setting && !isServiceLink(variable, value)) {
      const description = `is no setting${didYouMean(variable, [...names.keys(), fileVariable])}`;
      faults.push({ setting: variable, where: "environment", description });
    }
  }
  return { said, faults };
}
