/** Renders docs/cli.md from the program that commander parses with: each command's own help. */
import type { Command } from "commander";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { generated, table } from "./markdown.ts";

const helpWidth = 100;

/** As `--help` prints it, for a page's width. */
function helpOf(command: Command): string {
  let text = "";
  command.configureHelp({ ...command.configureHelp(), helpWidth });
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text.trimEnd();
}

function shownHelp(command: Command): string {
  return `\`\`\`text\n${helpOf(command)}\n\`\`\``;
}

/** The whole page. */
export async function cliPage(): Promise<string> {
  const program = await buildProgram(() => true);
  const sections = program.commands.flatMap((command) => [
    `## ${command.name()}\n\n${command.summary()}.\n\n${shownHelp(command)}`,
    ...command.commands.map((part) => `### ${command.name()} ${part.name()}\n\n${shownHelp(part)}`),
  ]);
  const codes = Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning]);
  return `# The command line

${generated("src/cli/commands and src/cli/exit-codes.ts")}

\`npx agentmesh COMMAND\` in the checkout, or \`agentmesh COMMAND\` where the package is installed. The answer of a command is on
stdout, everything else on stderr; with \`--json\` the answer is JSON, in the words of the contract. Settings are described
on their own page, \`docs/config.md\`. Colours go to terminals alone, and NO_COLOR turns them off.

## Exit codes

${table(["code", "meaning"], codes)}

${sections.join("\n\n")}
`;
}
