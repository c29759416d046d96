/** The user's own command as a run. */
import { parseAny } from "../parsers/any.ts";
import type { RepositoryFacts, Runner, RunPlan } from "./runner.ts";
import { scriptCommand } from "./script.ts";

/** Options by which a command chooses its own report; it is left as it is then. */
const ownReport = /--(test-)?reporters?\b|--json\b|--junit|--outputFile|\s-json\b|\s-args\b|#/;

/**
 * The user's own command, by the shell. A runner that it ends in is asked to report; else, and where no report came of
 * that, its report is whatever it leaves: JUnit XML, TAP, or its exit status alone.
 */
export function commandPlan(
  command: string,
  repository: RepositoryFacts,
  runners: readonly Runner[],
): RunPlan {
  // Its words alone count: what lies about in the repository says nothing of them.
  const facts: RepositoryFacts = { ...repository, command, files: [] };
  const plain: RunPlan = {
    runner: "command",
    command: scriptCommand(facts),
    looksForXml: true,
    parse: parseAny,
  };
  if (ownReport.test(command)) return plain;
  const plan = runners.map((runner) => runner.plan(facts)).find((found) => found !== undefined);
  if (!plan) return plain;
  return { ...plan, looksForXml: true, parse: (evidence) => plan.parse(evidence) ?? parseAny(evidence) };
}
