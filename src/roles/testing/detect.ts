/** Finds how a repository is tested; pure. The order matters: what a script names comes before what file names suggest. */
import { TerminalError } from "../../core/errors.ts";
import { commandPlan } from "./runners/command.ts";
import { go } from "./runners/go.ts";
import { jest } from "./runners/jest.ts";
import { mocha } from "./runners/mocha.ts";
import { nodeTest } from "./runners/node-test.ts";
import { npmScript } from "./runners/npm-script.ts";
import { pytest } from "./runners/pytest.ts";
import type { RepositoryFacts, Runner, RunPlan } from "./runners/runner.ts";
import { vitest } from "./runners/vitest.ts";

export const runners: readonly Runner[] = [vitest, jest, mocha, nodeTest, npmScript, pytest, go];

/** The run that the user's command or the repository asks for. Throws NO_TEST_RUNNER, naming what was looked for. */
export function detectRun(facts: RepositoryFacts, repository: string, command?: string): RunPlan {
  if (command !== undefined) return commandPlan(command, facts, runners);
  for (const runner of runners) {
    const plan = runner.plan(facts);
    if (plan) return plan;
  }
  const looked = runners.map((runner) => `${runner.name} (${runner.looksFor})`).join(", ");
  throw new TerminalError(
    "NO_TEST_RUNNER",
    `no test command found in ${repository}; pass \`command\`. Looked for ${looked}`,
  );
}
