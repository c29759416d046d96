/** Vitest: lines for people on stdout, its JSON report in a file. */
import { parseJestJson } from "../parsers/jest-json.ts";
import { fromReport, type Runner, reportFiles } from "./runner.ts";
import { toolCommand, usesTool } from "./script.ts";

export const vitest: Runner = {
  name: "vitest",
  looksFor: "vitest in package.json or vitest.config.*",
  plan: (facts) => {
    const use = usesTool(facts, "vitest");
    if (!use) return undefined;
    const added = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${reportFiles.json}`];
    return {
      runner: "vitest",
      command: toolCommand(facts, use, { direct: ["node_modules/.bin/vitest", "run"], added }),
      reportFile: reportFiles.json,
      parse: fromReport(parseJestJson),
    };
  },
};
