import { join } from "node:path";
import { parseJunit } from "../parsers/junit.ts";
import { fromReport, type RepositoryFacts, type Runner, reportFiles } from "./runner.ts";
import { expandScript, scriptCommand, testScript } from "./script.ts";

const testFile = /(^|\/)(test\/.+|test|test-[^/]+|[^/]+[._-]test)\.[cm]?[jt]s$/;
const nodeTestCall = /\bnode\b[^&|;]*?\s--test(?=\s|$)/g;

/**
 * node:test, by the `test` script or by its file names. The reporters come by NODE_OPTIONS, since arguments added after a
 * script's file names would not be Node's; the processes of single test files pass over them.
 */
export const nodeTest: Runner = {
  name: "node:test",
  looksFor: "`node --test` in package.json, or test files such as test/*.js and *.test.js",
  plan: (facts) => {
    const byScript = canAddReporters(expandScript(facts));
    const byFiles = testScript(facts) === undefined && facts.files.some((file) => testFile.test(file));
    if (!byScript && !byFiles) return undefined;
    return {
      runner: "node:test",
      command: byScript ? scriptCommand(facts) : ["node", "--test"],
      env: { NODE_OPTIONS: reporterOptions(facts) },
      reportFile: reportFiles.xml,
      parse: fromReport(parseJunit),
    };
  },
};

/** Several calls would each overwrite the report, and a script's own reporters do not mix with ours. */
function canAddReporters(script: string): boolean {
  return (script.match(nodeTestCall)?.length ?? 0) === 1 && !script.includes("--test-reporter");
}

function reporterOptions(facts: RepositoryFacts): string {
  const file = join(facts.workspace, reportFiles.xml);
  return (
    "--test-reporter=spec --test-reporter-destination=stdout " +
    `--test-reporter=junit --test-reporter-destination="${file}"`
  );
}
