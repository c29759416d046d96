import { describe, expect, it } from "vitest";
import { detectRun } from "../../../src/roles/testing/detect.ts";
import type { PackageJson, RepositoryFacts } from "../../../src/roles/testing/runners/runner.ts";

const facts = (files: string[], packageJson?: PackageJson, installed: string[] = []): RepositoryFacts => ({
  ...{ workspace: "/w", files, installed, packageJson },
});
const script = (test: string, more: PackageJson = {}): PackageJson => ({
  ...more,
  scripts: { test, ...more.scripts },
});
const found = (repository: RepositoryFacts, command?: string) => {
  const plan = detectRun(repository, "/repo", command);
  return `${plan.runner}: ${plan.command.join(" ")}`;
};

const json = "--reporter=verbose --reporter=json --outputFile.json=.agentmesh-report.json";
const jestJson = "--json --outputFile=.agentmesh-report.json";
const junit = "--junitxml=.agentmesh-report.xml -o junit_family=xunit1";

describe("detectRun", () => {
  it.each<[string, RepositoryFacts, string]>([
    ["a vitest script", facts([], script("vitest run")), `vitest: npm test --silent -- ${json}`],
    [
      "a script that ends in vitest",
      facts([], script("tsc && vitest")),
      `vitest: npm test --silent -- ${json}`,
    ],
    [
      "vitest before another command",
      facts([], script("vitest run && eslint .")),
      `vitest: node_modules/.bin/vitest run ${json}`,
    ],
    [
      "vitest behind another script",
      facts([], script("npm run unit", { scripts: { unit: "vitest run" } })),
      `vitest: node_modules/.bin/vitest run ${json}`,
    ],
    [
      "vitest installed",
      facts([], { devDependencies: { vitest: "5" } }),
      `vitest: node_modules/.bin/vitest run ${json}`,
    ],
    ["vitest's settings", facts(["vitest.config.ts"]), `vitest: node_modules/.bin/vitest run ${json}`],
    ["a jest script", facts([], script("NODE_ENV=test jest --ci")), `jest: npm test --silent -- ${jestJson}`],
    ["jest's settings in package.json", facts([], { jest: {} }), `jest: node_modules/.bin/jest ${jestJson}`],
    ["a mocha script", facts([], script("mocha")), "mocha: npm test --silent -- --reporter tap"],
    ["a node:test script", facts([], script("node --test test/*.js")), "node:test: npm test --silent"],
    ["node's test files", facts(["test/a.js"]), "node:test: node --test"],
    ["a test file beside its source", facts(["src/a.test.ts"]), "node:test: node --test"],
    ["a script we do not know", facts([], script("ava")), "npm test: npm test --silent"],
    [
      "two calls of node --test",
      facts([], script("node --test a && node --test b")),
      "npm test: npm test --silent",
    ],
    [
      "a script with reporters",
      facts([], script("node --test --test-reporter=dot")),
      "npm test: npm test --silent",
    ],
    [
      "a script that only sounds like it",
      facts([], script("node --test-only x.js")),
      "npm test: npm test --silent",
    ],
    ["pytest", facts(["tests/test_a.py"]), `pytest: python3 -m pytest -v ${junit}`],
    [
      "pytest in the repository's environment",
      facts(["conftest.py"], undefined, [".venv/bin/python"]),
      `pytest: .venv/bin/python -m pytest -v ${junit}`,
    ],
    [
      "pytest beside the placeholder of npm init",
      facts(["test_a.py"], script('echo "Error: no test specified" && exit 1')),
      `pytest: python3 -m pytest -v ${junit}`,
    ],
    ["a go module", facts(["go.mod", "a_test.go"]), "go: go test ./... -json"],
  ])("%s", (_name, repository, expected) => expect(found(repository)).toBe(expected));

  it.each<[string, RepositoryFacts]>([
    ["nothing", facts([])],
    ["a go module without tests", facts(["go.mod", "a.go"])],
    ["the placeholder of npm init", facts([], script('echo "Error: no test specified" && exit 1'))],
  ])("finds no runner in %s, and says what it looked for", (_name, repository) => {
    expect(() => found(repository)).toThrow(
      /no test command found in \/repo; pass `command`.*vitest.*jest.*mocha.*node:test.*npm test.*pytest.*go \(/s,
    );
  });

  it.each([
    ["make check", "command: sh -c make check"],
    ["npx vitest run src/a", `vitest: sh -c npx vitest run src/a ${json}`],
    ["cd pkg && pytest -k fast", `pytest: sh -c cd pkg && pytest -k fast ${junit}`],
    ["go test ./pkg/...", "go: sh -c go test ./pkg/... -json"],
    ["node --test a.js", "node:test: sh -c node --test a.js"],
    ["npm test", "node:test: sh -c npm test"],
    ["npx vitest run --reporter=junit", "command: sh -c npx vitest run --reporter=junit"],
    ["pytest | tee log", "command: sh -c pytest | tee log"],
  ])("the user's `%s`", (command, expected) => {
    expect(found(facts(["go.mod", "a_test.go", "test_a.py"], script("node --test")), command)).toBe(expected);
  });

  it("gives node:test its reporters by the environment, in the private copy", () => {
    const options = detectRun(facts(["test/a.js"]), "/repo").env?.NODE_OPTIONS;
    expect(options).toContain("--test-reporter=spec --test-reporter-destination=stdout");
    expect(options).toContain('--test-reporter=junit --test-reporter-destination="/w/.agentmesh-report.xml"');
  });
});
