/** Pytest, also for suites of unittest: its JUnit report in a file. */
import { parseJunit } from "../parsers/junit.ts";
import { fromReport, type Runner, reportFiles } from "./runner.ts";
import { toolCommand, usesTool } from "./script.ts";

const pytestFile = /(^|\/)(pytest\.ini|conftest\.py|test_[^/]*\.py|[^/]*_test\.py)$/;

/** The Pythons of a repository's own environment; its `pytest` script would name the original's path, its python not. */
export const pythons = [".venv/bin/python", "venv/bin/python"] as const;

export const pytest: Runner = {
  name: "pytest",
  looksFor: "pytest.ini, conftest.py, test_*.py or *_test.py",
  plan: (facts) => {
    const use = usesTool(facts, "pytest");
    if (!use && !facts.files.some((file) => pytestFile.test(file))) return undefined;
    const python = pythons.find((path) => facts.installed.includes(path)) ?? "python3";
    return {
      runner: "pytest",
      command: toolCommand(facts, use ?? "direct", {
        direct: [python, "-m", "pytest", "-v"],
        // xunit1 has each test's file and line, which the default leaves out.
        added: [`--junitxml=${reportFiles.xml}`, "-o", "junit_family=xunit1"],
      }),
      reportFile: reportFiles.xml,
      parse: fromReport(parseJunit),
    };
  },
};
