import { describe, expect, it } from "vitest";
import { faultOf } from "../../../src/roles/testing/faults.ts";
import type { TestCase } from "../../../src/roles/testing/report.ts";
import { defaultCaps, summarize } from "../../../src/roles/testing/summarize.ts";
import { defaultLimits } from "../../../src/sandbox/limits.ts";
import type { SandboxResult } from "../../../src/sandbox/sandbox.ts";

const test = (status: TestCase["status"], more: Partial<TestCase> = {}): TestCase => ({
  ...{ name: "t", status, durationMs: 1 },
  ...more,
});

describe("summarize", () => {
  it("counts all, lists failed ones first, and says how many it left out", () => {
    const tests = [test("passed"), test("skipped"), test("failed"), test("passed")];
    const summary = summarize(tests, "/w", { ...defaultCaps, testsMax: 2 });
    expect(summary.counts).toEqual({ passed: 2, failed: 1, skipped: 1, total: 4 });
    expect(summary.tests.map((each) => each.status)).toEqual(["failed", "skipped"]);
    expect(summary.truncated).toEqual({ tests: 2, failures: 0 });
  });

  it("cuts failures, and says how many", () => {
    const failure = { message: "m".repeat(20), details: "d".repeat(20) };
    const tests = [test("failed", { failure }), test("failed", { failure: { message: "short" } })];
    const summary = summarize(tests, "/w", {
      ...defaultCaps,
      messageCharactersMax: 5,
      detailsCharactersMax: 6,
    });
    expect(summary.tests[0]?.failure).toEqual({ message: "mmmmm…", details: "dddddd…" });
    expect(summary.truncated.failures).toBe(1);
  });

  it("fits a task's output when everything fails at length", () => {
    const failure = { message: "m".repeat(9_999), details: "d".repeat(99_999) };
    const tests = Array.from({ length: 9_999 }, () => test("failed", { name: "n".repeat(60), failure }));
    const bytes = JSON.stringify(summarize(tests, "/w")).length;
    expect(bytes).toBeLessThan(1_048_576);
  });

  it("names paths by the repository, since the private copy is gone", () => {
    const failure = { message: "at /w/a.js:1", details: "file:///w/b.js in /w", file: "/w/a.js", line: 1 };
    const [shown] = summarize([test("failed", { file: "/w/a.js", failure })], "/w").tests;
    expect(shown).toMatchObject({
      file: "a.js",
      failure: { message: "at a.js:1", details: "b.js in .", file: "a.js" },
    });
  });
});

describe("faultOf", () => {
  const result: SandboxResult = {
    ...{ end: "exited", exitCode: 1, signal: undefined, stdout: "", stderr: "", outputTruncated: false },
    ...{ durationMs: 1, containment: "bubblewrap", limits: defaultLimits },
  };
  const kindOf = (more: Partial<SandboxResult>, tests?: TestCase[]) =>
    faultOf({
      title: "npm test",
      result: { ...result, ...more },
      tests,
      timeoutMs: 500,
      memoryBytes: 1 << 30,
    })?.kind;

  it.each<[string, Partial<SandboxResult>, TestCase[] | undefined, string | undefined]>([
    ["tests that fail are a report", {}, [test("failed")], undefined],
    [
      "a signal after tests is a report",
      { end: "signaled", exitCode: undefined, signal: "SIGSEGV" },
      [test("passed")],
      undefined,
    ],
    ["too long", { end: "timeout", exitCode: undefined }, [test("passed")], "TEST_RUN_TIMEOUT"],
    ["too much memory", { end: "memory", exitCode: undefined }, undefined, "TEST_RUN_MEMORY"],
    ["too many processes", { end: "processes", exitCode: undefined }, undefined, "TEST_RUN_PROCESSES"],
    ["no tests and all well", { exitCode: 0 }, [], "NO_TESTS"],
    ["pytest without tests", { exitCode: 5, stdout: "=== no tests ran in 0.01s ===" }, [], "NO_TESTS"],
    ["vitest without tests", { stdout: "No test files found, exiting with code 1" }, undefined, "NO_TESTS"],
    [
      "a crash before any test",
      { end: "signaled", exitCode: undefined, signal: "SIGSEGV" },
      undefined,
      "NO_TEST_REPORT",
    ],
    ["a failure before any test", { stdout: "syntax error" }, undefined, "NO_TEST_REPORT"],
    [
      "no such command",
      { exitCode: 127, stderr: "sh: 1: exec: npm: not found" },
      undefined,
      "COMMAND_NOT_FOUND",
    ],
    [
      "a runner that is not installed",
      { exitCode: 127, stderr: "sh: 1: vitest: not found" },
      undefined,
      "MISSING_DEPENDENCIES",
    ],
    [
      "a package that is not installed",
      { stderr: "Cannot find package 'left' imported from /w/a.js" },
      [test("failed")],
      "MISSING_DEPENDENCIES",
    ],
    [
      "pytest is not installed",
      { stderr: "/usr/bin/python3: No module named pytest" },
      undefined,
      "MISSING_DEPENDENCIES",
    ],
    [
      "a file of its own that is missing",
      { stderr: "Cannot find module './x.js'" },
      [test("failed")],
      undefined,
    ],
    [
      "a package that one test of many lacks",
      { stderr: "Cannot find package 'left'" },
      [test("passed"), test("failed")],
      undefined,
    ],
  ])("%s", (_name, more, tests, kind) => expect(kindOf(more, tests)).toBe(kind));
});
