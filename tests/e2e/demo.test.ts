/** The demo, start to end, as `make demo` runs it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { agentmesh, cleanUp, freshDirectory, sample } from "../cli/cli.ts";

afterAll(cleanUp);

/** Every file's path and content. */
function fingerprint(directory: string): string {
  const hash = createHash("sha256");
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const file = join(directory, path);
    hash.update(`${path}\0`).update(statSync(file).isFile() ? readFileSync(file) : "");
  }
  return hash.digest("hex");
}

describe("demo", () => {
  it("reviews the sample: its failing test, its leaked key and its risky call are in the report", async () => {
    const cwd = freshDirectory();
    const before = fingerprint(sample);
    const ran = await agentmesh(["demo"], { cwd });
    expect(ran.stderr).toMatch(/tests +RUNNING/);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/Verdict: fail/);
    expect(ran.stdout).toMatch(/1 of 9 tests failed/);
    const [name = ""] = readdirSync(join(cwd, ".agentmesh/reports"));
    expect(name).toMatch(/^sample-repository-\d{8}-\d{6}$/);
    const directory = join(cwd, ".agentmesh/reports", name);
    expect(ran.stdout).toContain(join(".agentmesh/reports", name));
    const markdown = readFileSync(join(directory, "report.md"), "utf8");
    expect(markdown).toMatch(/gives 5 % from ten parcels on/);
    expect(markdown).toMatch(/config\/carrier\.json:6/);
    expect(markdown).toMatch(/code\/no-eval/);
    const report = JSON.parse(readFileSync(join(directory, "report.json"), "utf8"));
    expect(report).toMatchObject({ verdict: "fail", data: { sections: { tests: { kind: "testing" } } } });
    const sarif = JSON.parse(readFileSync(join(directory, "security.sarif"), "utf8"));
    expect(sarif.version).toBe("2.1.0");
    expect(fingerprint(sample)).toBe(before);
    expect(readdirSync(join(cwd, ".agentmesh/demo"))).toEqual([]);
  });

  it("reports of a repository without tests too, and says so", async () => {
    const repository = freshDirectory();
    writeFileSync(join(repository, "a.js"), "export const a = 1;\n");
    const out = join(freshDirectory(), "report");
    const ran = await agentmesh(["demo", "--repository", repository, "--out", out], { cwd: repository });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/tests .*no test command/i);
    expect(readFileSync(join(out, "report.md"), "utf8")).toMatch(/no test command found/);
  });

  it("cancels the review when it is interrupted, leaves nothing, and ends with 130", async () => {
    const repository = freshDirectory();
    const args = ["demo", "--repository", repository, "--command", "echo begun; sleep 600"];
    const ran = await agentmesh(args, { cwd: repository, interruptAt: /begun/ });
    expect(ran.code).toBe(130);
    expect(ran.stderr).toMatch(/interrupted: the workflow was canceled/);
    expect(readdirSync(join(repository, ".agentmesh/demo"))).toEqual([]);
  });
});
