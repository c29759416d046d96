/** One run of the command line: parse, act, report an error. */
import type { Command } from "commander";
import { hostEnvironment } from "../core/config/host.ts";
import { buildProgram } from "./program.ts";

export async function runCli(args: readonly string[]): Promise<void> {
  // Whoever reads the answer may stop before its end, as `head` does.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit();
    });
  const program = await buildProgram((name) => args.includes(name));
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (thrown) {
    const { reportError } = await import("./report-error.ts");
    reportError(thrown, wantsStack(program, args));
  }
}

function wantsStack(program: Command, args: readonly string[]): boolean {
  if (program.opts<{ verbose?: boolean }>().verbose) return true;
  const level = hostEnvironment(["AGENTMESH_LOG_LEVEL"]).AGENTMESH_LOG_LEVEL;
  return level === "debug" || /--log-level[= ]debug\b/.test(args.join(" "));
}
