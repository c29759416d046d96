/** Renders docs/config.md from the table of settings. */
import {
  defaultText,
  fileDefault,
  fileVariable,
  flagOf,
  rowOf,
  variableOf,
} from "../../src/core/config/names.ts";
import { type SettingName, settingNames } from "../../src/core/config/settings.ts";
import { grpcPortOf, podPorts } from "../../src/core/ports.ts";
import { generated, table } from "./markdown.ts";

function settingSection(name: SettingName): string {
  const row = rowOf(name);
  return `### \`${name}\`

${row.doc}

${table(
  ["variable", "flag", "default", "allowed"],
  [
    [
      `\`${variableOf(name)}\``,
      row.secret ? "none" : `\`${flagOf(name).flags}\``,
      `\`${defaultText(name)}\``,
      row.kind.allowed,
    ],
  ],
)}

${row.secret ? "A secret: never shown, and no flag, since a command line is no secret." : `Flag of: ${row.takenBy.join(", ")} commands.`} Why this default: ${row.because}.`;
}

function sections(): string {
  const names = [...new Set(settingNames.map((name) => name.split(".")[0] ?? ""))];
  return names
    .map((section) => {
      const inside = settingNames.filter((name) => name.startsWith(`${section}.`));
      return `## ${section}\n\n${inside.map(settingSection).join("\n\n")}`;
    })
    .join("\n\n");
}

function portsTable(): string {
  const rows = Object.entries(podPorts).map(([name, { port, serves }]) => [
    `\`server.${name}Port\``,
    String(port),
    name === "grpc"
      ? `${port}, ${grpcPortOf(port, 1)}, ${grpcPortOf(port, 2)}, … one for each role`
      : String(port),
    serves,
  ]);
  return table(["setting", "in a pod", "on one machine", "serves"], rows);
}

/** The whole page. */
export function configPage(): string {
  return `# Settings

${generated("src/core/config/settings.ts")}

A setting has one dotted name; its environment variable and its flag follow from it. A value is looked for in four places,
and the last that has one wins:

1. the default below;
2. a file in YAML: \`${fileDefault}\` in the working directory, or the one that \`--config FILE\` or \`${fileVariable}\` names;
3. the environment variable (an empty one counts as unset);
4. the flag, on the commands that take it.

\`\`\`yaml
# ${fileDefault}
server:
  httpPort: 8080
store:
  url: redis://localhost:6379
\`\`\`

An unknown setting, an unknown \`AGENTMESH_*\` variable, a wrong value and two listeners on one port are errors
(\`INVALID_CONFIG\`): all of them are told at once, each with the line or the variable that it stands in. Relative paths in
the file start at the file's directory, all others at the working directory. Numbers have their unit in the name.

## Ports

${portsTable()}

${sections()}
`;
}
