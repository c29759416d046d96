/** The role on real repositories, with real tools. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunRoleOptions, runRole } from "../../../src/agent/run-role.ts";
import testing from "../../../src/roles/testing/index.ts";
import type { TestReport } from "../../../src/roles/testing/report.ts";
import { chooseSandbox, openSandbox } from "../../../src/sandbox/open.ts";
import { uncontainedSandbox } from "../../../src/sandbox/uncontained.ts";

const sample = join(import.meta.dirname, "../../../examples/sample-repository");
// Of this file alone, so that it can say what was left behind.
const scratch = await mkdtemp(join(tmpdir(), "testing-role-scratch-"));
process.env.TMPDIR = scratch;
afterAll(() => rm(scratch, { recursive: true }));
const machine = await openSandbox({ allowUncontained: true });
const run = (input: object, options: RunRoleOptions = {}) =>
  runRole<TestReport>(testing, input, { sandbox: machine, ...options });
const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

function digestOf(directory: string): string {
  const hash = createHash("sha256");
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)));
  return hash.digest("hex");
}

describe("the sample repository", () => {
  it("has one failing test, by a mistake in its code, and is left as it was", async () => {
    const before = digestOf(sample);
    const { output, logs, progress } = await run({ repository: sample });
    expect(output).toMatchObject({
      ...{ ok: false, runner: "node:test", command: "npm test --silent", exitCode: 1 },
      counts: { passed: 7, failed: 1, skipped: 1, total: 9 },
      truncated: { tests: 0, failures: 0 },
      containment: machine.containment,
    });
    expect(output.tests[0]).toMatchObject({
      ...{
        name: "gives 5 % from ten parcels on",
        suite: "price",
        file: "test/price.test.js",
        status: "failed",
      },
      failure: {
        message: "Expected values to be strictly equal:\n\n0 !== 0.05",
        file: "test/price.test.js",
        line: 26,
      },
    });
    expect(logs.map(({ line }) => line)).toContainEqual(
      expect.stringMatching(/✖ gives 5 % from ten parcels on/),
    );
    expect(progress.map(({ fraction }) => fraction)).toEqual([0, 0.1, 0.95]);
    expect(digestOf(sample)).toBe(before);
  });

  it("runs where no sandbox works, and says so; the user's command on it does not", async () => {
    const sandbox = chooseSandbox({
      walls: uncontainedSandbox(),
      open: uncontainedSandbox(),
      fault: "none here",
    });
    const { output, logs } = await run({ repository: sample }, { sandbox });
    expect(output).toMatchObject({ containment: "none", counts: { total: 9 } });
    expect(logs[0]?.line).toContain("without walls");
    const commanded = run({ repository: sample, command: "npm test" }, { sandbox });
    await expect(commanded).rejects.toMatchObject({ kind: "SANDBOX_UNAVAILABLE" });
  });

  it("gives the same report by the user's command", async () => {
    const { output } = await run({ repository: sample, command: "npm test" });
    expect(output).toMatchObject({
      command: "npm test",
      counts: { passed: 7, failed: 1, skipped: 1, total: 9 },
    });
  });
});

describe("a repository", () => {
  let repository: string;
  const files = async (contents: Record<string, string>): Promise<void> => {
    for (const [path, content] of Object.entries(contents)) {
      await mkdir(dirname(join(repository, path)), { recursive: true });
      await writeFile(join(repository, path), content);
    }
  };
  const kindOf = (input: object = {}) =>
    run({ repository, ...input }).then(
      ({ output }) => output,
      (error) => error,
    );

  beforeEach(async () => {
    repository = await mkdtemp(join(tmpdir(), "testing-role-"));
  });
  afterEach(() => rm(repository, { recursive: true, force: true }));

  it("that does not exist is named", async () => {
    const missing = join(repository, "missing");
    const error = await kindOf({ repository: missing });
    expect(error).toMatchObject({ kind: "REPOSITORY_NOT_FOUND", message: expect.stringContaining(missing) });
    await files({ file: "" });
    expect(await kindOf({ repository: join(repository, "file") })).toMatchObject({
      kind: "REPOSITORY_NOT_FOUND",
    });
  });

  it("that is empty has no runner", async () => {
    expect(await kindOf()).toMatchObject({ kind: "NO_TEST_RUNNER" });
  });

  it("whose package.json is broken is refused with the reason", async () => {
    await files({ "package.json": "{" });
    expect(await kindOf()).toMatchObject({ kind: "UNREADABLE_PACKAGE" });
  });

  it("whose runner finds no tests is no success", async () => {
    await files({ "package.json": '{"scripts":{"test":"node --test"}}' });
    expect(await kindOf()).toMatchObject({ kind: "NO_TESTS" });
  });

  it("with a test that hangs ends in time", async () => {
    await files({ "test/hang.test.js": "setInterval(() => {}, 1000); await new Promise(() => {});" });
    const error = await kindOf({ timeoutMs: 700 });
    expect(error).toMatchObject({ kind: "TEST_RUN_TIMEOUT", message: expect.stringContaining("700 ms") });
  });

  it("whose packages are not installed is told to install them", async () => {
    await files({
      "package.json": '{"type":"module","dependencies":{"not-there":"1"}}',
      "test/a.test.js": 'import "not-there";',
    });
    const error = await kindOf();
    expect(error).toMatchObject({
      kind: "MISSING_DEPENDENCIES",
      message: expect.stringMatching(/"not-there".*without a network/),
    });
  });

  it("is tested by the user's command: exit status, TAP, XML", async () => {
    expect(await kindOf({ command: "true" })).toMatchObject({
      ok: true,
      runner: "command",
      counts: { passed: 1, total: 1 },
    });
    expect(await kindOf({ command: "echo why; exit 3" })).toMatchObject({
      ...{ ok: false, exitCode: 3, counts: { failed: 1 } },
      tests: [{ name: "the command", failure: { message: "the command exited with 3", details: "why" } }],
    });
    const tap = "printf 'TAP version 14\\n1..2\\nok 1 - a\\nnot ok 2 - b\\n'; exit 1";
    expect(await kindOf({ command: tap })).toMatchObject({ counts: { passed: 1, failed: 1 } });
    await files({ "old.xml": '<testsuite><testcase name="old"/></testsuite>' });
    const xml = `mkdir -p out && echo '<testsuite><testcase name="new"/></testsuite>' > out/new.xml`;
    expect(await kindOf({ command: xml })).toMatchObject({ ok: true, tests: [{ name: "new" }] });
  });

  it("with a command that does not exist says which", async () => {
    const error = await kindOf({ command: "no-such-tool --all" });
    expect(error).toMatchObject({
      kind: "COMMAND_NOT_FOUND",
      message: expect.stringContaining("no-such-tool"),
    });
  });

  it("cannot have us read a file by a link in the place of the report", async () => {
    await writeFile(join(repository, "secret.xml"), '<testsuite><testcase name="secret"/></testsuite>');
    await files({
      "package.json":
        '{"scripts":{"test":"node --test fake.mjs && ln -sf /etc/passwd .agentmesh-report.xml"}}',
      "fake.mjs": "",
    });
    expect(await kindOf()).toMatchObject({ kind: expect.stringMatching(/NO_TEST/) });
  });

  it("has its run ended when the task is canceled, and its copy removed", async () => {
    await files({
      "test/hang.test.js": "console.log('up'); setInterval(() => {}, 1000); await new Promise(() => {});",
    });
    const controller = new AbortController();
    const ended = run(
      { repository },
      {
        signal: controller.signal,
        sandbox: {
          containment: machine.containment,
          run: (command, options) =>
            machine.run(command, {
              ...options,
              onLine: () => controller.abort(new Error("canceled by the user")),
            }),
        },
      },
    );
    await expect(ended).rejects.toThrow("canceled by the user");
  });

  it("with unknown fields in the input is refused", async () => {
    await expect(run({ repository, comand: "x" })).rejects.toThrow(/comand/);
  });

  const inScratch = import.meta.dirname.startsWith("/tmp/");
  it.skipIf(inScratch)(
    "that uses vitest is read by its JSON (skipped below /tmp, hidden inside)",
    async () => {
      await symlink(join(import.meta.dirname, "../../../node_modules"), join(repository, "node_modules"));
      await files({
        "package.json": '{"type":"module","scripts":{"test":"vitest run --root ."}}',
        "a.test.js":
          'import { expect, it } from "vitest"; it("adds", () => {}); it("fails", () => expect(1).toBe(2));',
      });
      const output = await kindOf();
      expect(output).toMatchObject({
        runner: "vitest",
        ok: false,
        counts: { passed: 1, failed: 1, total: 2 },
      });
      expect(output.tests[0]).toMatchObject({ file: "a.test.js", failure: { file: "a.test.js", line: 1 } });
    },
  );

  it.skipIf(!works("python3", "-m", "pytest", "--version"))(
    "that uses pytest (skipped without it)",
    async () => {
      await files({ "test_sums.py": "def test_ok(): pass\ndef test_bad():\n    assert 1 == 2\n" });
      expect(await kindOf()).toMatchObject({
        ...{ runner: "pytest", ok: false, exitCode: 1, counts: { passed: 1, failed: 1, total: 2 } },
        tests: [
          { name: "test_bad", suite: "test_sums", failure: { file: "test_sums.py", line: 3 } },
          { name: "test_ok" },
        ],
      });
      await rm(join(repository, "test_sums.py"));
      await files({ "conftest.py": "" });
      expect(await kindOf()).toMatchObject({ kind: "NO_TESTS" });
    },
  );

  it.skipIf(!works("go", "version"))(
    "that is a go module (skipped without go)",
    async () => {
      await files({
        "go.mod": "module example.test/sums\n\ngo 1.18\n",
        "sums_test.go":
          'package sums\n\nimport "testing"\n\nfunc TestOk(t *testing.T) {}\nfunc TestBad(t *testing.T) { t.Error("wrong") }\n',
      });
      const { output, logs } = await run({ repository, timeoutMs: 120_000 });
      expect(output).toMatchObject({
        ...{ runner: "go", ok: false, counts: { passed: 1, failed: 1, total: 2 } },
        tests: [
          { name: "TestBad", failure: { message: "sums_test.go:6: wrong", line: 6 } },
          { name: "TestOk" },
        ],
      });
      expect(logs.map(({ line }) => line)).toContain("--- FAIL: TestBad (0.00s)");
    },
    120_000,
  );
});

it("leaves nothing behind", async () => expect(await readdir(scratch)).toEqual([]));
