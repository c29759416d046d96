/** Each parser reads what its tool really wrote; tests/roles/testing/fixtures has the files as they came. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAny } from "../../../src/roles/testing/parsers/any.ts";
import { locate } from "../../../src/roles/testing/parsers/failure.ts";
import { goLine, parseGoJson } from "../../../src/roles/testing/parsers/go-json.ts";
import { parseJestJson } from "../../../src/roles/testing/parsers/jest-json.ts";
import { parseJunit } from "../../../src/roles/testing/parsers/junit.ts";
import { looksLikeTap, parseTap } from "../../../src/roles/testing/parsers/tap.ts";
import type { TestCase } from "../../../src/roles/testing/report.ts";

const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");

/** A test in one line: status, suite, name, and where and how it failed. */
function inShort(test: TestCase): string {
  const name = test.suite ? `${test.suite} > ${test.name}` : test.name;
  const { failure } = test;
  return failure
    ? `${test.status}: ${name} @ ${failure.file}:${failure.line}: ${failure.message}`
    : `${test.status}: ${name}`;
}

describe.each<[string, (text: string) => TestCase[], string[]]>([
  [
    "node-test.xml",
    parseJunit,
    [
      "failed: top @ /tmp/nt/test/a.test.mjs:3: boom & <x>",
      "failed: test/b.test.mjs @ /tmp/nt/test/b.test.mjs:undefined: test failed",
      "passed: suite > adds",
      "failed: suite > fails @ /tmp/nt/test/a.test.mjs:2: 1 == 2",
      "skipped: suite > skips",
      "skipped: suite > later",
    ],
  ],
  [
    "pytest.xml",
    parseJunit,
    [
      "passed: test_a > test_ok",
      "failed: test_a.TestX > test_bad @ test_a.py:4: AssertionError: no <way>\nassert 1 == 2",
      "skipped: test_a > test_s",
      'failed: test_a > test_e @ test_a.py:8: failed on setup with "RuntimeError: fixture"',
      "skipped: test_a > test_x",
    ],
  ],
  [
    "node-test.tap",
    parseTap,
    [
      "passed: suite > adds",
      "failed: suite > fails @ /tmp/nt/test/a.test.mjs:2: 1 == 2",
      "skipped: suite > skips",
      "skipped: suite > later",
      "failed: top @ /tmp/nt/test/a.test.mjs:3: boom & <x>",
      "failed: test/b.test.mjs @ /tmp/nt/test/b.test.mjs:undefined: test failed",
    ],
  ],
  [
    "mocha.tap",
    parseTap,
    ["passed: sums adds", "failed: sums fails @ t/a.test.js:3: want 3, got 4", "skipped: sums skips"],
  ],
  [
    "jest.json",
    parseJestJson,
    [
      "passed: sums > adds",
      "failed: sums > fails @ /tmp/jm/t/a.test.js:3: Error: want 3, got 4",
      "skipped: sums > skips",
      "failed: /tmp/jm/t/b.test.js @ t/b.test.js:1: Cannot find module './nosuch' from 't/b.test.js'",
    ],
  ],
  [
    "vitest.json",
    parseJestJson,
    [
      "passed: sums > adds",
      "failed: sums > fails @ /tmp/jm/v/a.test.mjs:4: Error: want 3, got 4",
      "skipped: sums > skips",
      "failed: /tmp/jm/v/b.test.mjs @ /tmp/jm/v/b.test.mjs:undefined: Cannot find module './nosuch.js' imported from /tmp/jm/v/b.test.mjs",
    ],
  ],
  [
    "go.jsonl",
    parseGoJson,
    [
      "passed: example.test/gg > TestA/sub",
      "failed: example.test/gg > TestB @ a_test.go:4: a_test.go:4: want 1 got 2",
      "skipped: example.test/gg > TestC",
      "failed: example.test/gg/bad > package example.test/gg/bad @ bad/b.go:1: bad/b.go:1:25: undefined: undefined",
    ],
  ],
])("%s", (name, parse, expected) => {
  it("is read whole", () => expect(parse(fixture(name)).map(inShort)).toEqual(expected));
});

describe("details", () => {
  it("keeps stacks, and times in milliseconds", () => {
    const test = parseJunit(fixture("node-test.xml")).find((each) => each.name === "fails");
    expect(test?.durationMs).toBe(0.975);
    expect(test?.failure?.details).toContain("AssertionError [ERR_ASSERTION]: 1 == 2");
  });

  it("reads line ends that are written as numbers", () => {
    const [test] = parseJunit(
      '<testsuite><testcase name="t"><failure message="a&#10;b"/></testcase></testsuite>',
    );
    expect(test?.failure?.message).toBe("a\nb");
  });
});

describe("what is no report", () => {
  it.each([
    ["text", () => parseJunit("not xml")],
    ["an XML file of something else", () => parseJunit("<project/>")],
    ["a report cut short", () => parseJunit('<testsuites><testsuite name="a"><testcase')],
    ["JSON cut short", () => parseJestJson('{"testResults": [')],
    ["JSON of something else", () => parseJestJson('{"version": 1}')],
  ])("%s is refused", (_name, parse) => expect(parse).toThrow());

  it("lines that are no events of go are passed over, and shown as they are", () => {
    expect(parseGoJson("go: downloading x\n{}\n{broken\n")).toEqual([]);
    expect(goLine("go: downloading x")).toBe("go: downloading x");
    expect(goLine('{"Action":"output","Output":"ok\\n"}')).toBe("ok");
    expect(goLine('{"Action":"run","Test":"T"}')).toBeUndefined();
  });
});

describe("looksLikeTap", () => {
  it.each([
    ["TAP version 14\n1..0", true],
    ["ok 1 - a\n1..1", true],
    ["ok, all good", false],
    ["1..3", false],
  ])("%j → %s", (output, expected) => expect(looksLikeTap(output)).toBe(expected));
});

describe("locate", () => {
  it.each([
    ["at f (node:internal/x:1:2)\n at g (file:///r/a.js:5:7)", undefined, { file: "/r/a.js", line: 5 }],
    [
      "at /r/node_modules/x/y.js:1:1\nat /r/src/b.ts:9:1\nat /r/t.test.ts:3:1",
      "/r/t.test.ts",
      { file: "/r/t.test.ts", line: 3 },
    ],
    ["no place here: 12:30", undefined, undefined],
  ])("%j", (text, file, expected) => expect(locate(text, file)).toEqual(expected));
});

describe("the report of an unknown command", () => {
  const evidence = { stdout: "", stderr: "", exitCode: 0, report: undefined, appeared: [] };

  it("is JUnit XML that it wrote, else TAP, else its exit status", () => {
    const appeared = ["<project/>", fixture("pytest.xml")];
    expect(parseAny({ ...evidence, stdout: fixture("mocha.tap"), appeared })).toHaveLength(5);
    expect(parseAny({ ...evidence, stdout: fixture("mocha.tap") })).toHaveLength(3);
    expect(parseAny(evidence).map(inShort)).toEqual(["passed: the command"]);
    const [failed] = parseAny({ ...evidence, exitCode: 2, stderr: "src/x.c:4: wrong" });
    expect(failed?.failure).toMatchObject({ message: "the command exited with 2", file: "src/x.c", line: 4 });
  });
});
