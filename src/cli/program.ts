/** The command line, put together from the list of commands. */
import { Command, type HelpConfiguration } from "commander";
import { type CommandEntry, commands, helpGroup } from "./commands/index.ts";
import { exitCodes } from "./exit-codes.ts";
import { columnsOf } from "./output.ts";
import { packageVersion } from "./version.ts";

const intro = `A mesh of AI agents: one contract, a durable queue, a server per role.

New here?  agentmesh demo      reviews a sample repository; nothing to set up
           agentmesh up        starts the mesh on this machine
           agentmesh doctor    says what this machine lacks for it`;

/** Commands for which `wanted` is true are loaded whole; of the others the name and the summary are enough. */
export async function buildProgram(wanted: (name: string) => boolean): Promise<Command> {
  const program = new Command()
    .name("agentmesh")
    .usage("COMMAND [options]")
    .description(intro)
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .option("--config <file>", "read settings from this file (default agentmesh.yaml, or AGENTMESH_CONFIG)")
    .option("--verbose", "print where an error came from")
    .showHelpAfterError("(--help shows what there is)")
    .configureHelp(helpStyle)
    .exitOverride();
  program.addHelpCommand(
    new Command("help").argument("[command]").summary("Print the help of a command").helpGroup(helpGroup),
  );
  program.addHelpText("after", `\nExit codes:\n${exitCodeLines()}`);
  for (const entry of commands) program.addCommand(await assembled(entry, program, wanted(entry.name)));
  return program;
}

const helpStyle: HelpConfiguration = {
  showGlobalOptions: true,
  subcommandTerm: (command) => command.name(),
  helpWidth: Math.min(columnsOf(process.stdout), 100),
};

async function assembled(entry: CommandEntry, program: Command, whole: boolean): Promise<Command> {
  const command = whole ? (await entry.load()).command() : new Command(entry.name);
  command.copyInheritedSettings(program).summary(entry.summary).helpGroup(entry.group);
  if (whole && command.description() === "") command.description(`${entry.summary}.`);
  for (const part of command.commands)
    part.copyInheritedSettings(program).helpOption("-h, --help", "print this help");
  return command.helpOption("-h, --help", "print this help");
}

function exitCodeLines(): string {
  return Object.values(exitCodes)
    .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`)
    .join("\n");
}
