/** Jest: its JSON report, its own lines on stderr. */
import { parseJestJson } from "../parsers/jest-json.ts";
import { fromReport, type RepositoryFacts, type Runner, reportFiles } from "./runner.ts";
import { type ToolUse, testScript, toolCommand, usesTool } from "./script.ts";

export const jest: Runner = {
  name: "jest",
  looksFor: "jest in package.json or jest.config.*",
  plan: (facts) => {
    const use = usesTool(facts, "jest") ?? bySettings(facts);
    if (!use) return undefined;
    return {
      runner: "jest",
      // Its lines for people go to stderr, whatever is reported.
      command: toolCommand(facts, use, {
        direct: ["node_modules/.bin/jest"],
        added: ["--json", `--outputFile=${reportFiles.json}`],
      }),
      reportFile: reportFiles.json,
      parse: fromReport(parseJestJson),
    };
  },
};

/** jest's settings may lie in package.json; a script that runs something else is believed first. */
function bySettings(facts: RepositoryFacts): ToolUse | undefined {
  return facts.packageJson?.jest !== undefined && testScript(facts) === undefined ? "direct" : undefined;
}
