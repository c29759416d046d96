import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { agentmesh, cleanUp, freshDirectory, root } from "./cli.ts";

afterAll(cleanUp);

test("says that ten thousand tasks an hour hold at 80 %, where replicas take half a minute to start", async () => {
  const { code, stdout } = await agentmesh(["simulate", "--rate", "10000/h", "--busy", "80"]);
  expect(stdout).toMatch(/✓ 100\.0 % of the tasks began within 30\.0s; 95 % were to/);
  expect(stdout).toMatch(/✓ slots were busy for 8\d\.\d % of the time; 80 % was asked/);
  expect(code).toBe(0);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("ends with 1 where the goal is missed, and says by how much", async () => {
  const args = ["--pattern", "burst", "--rate", "20000/h", "--hours", "1", "--within", "5"];
  const { code, stdout } = await agentmesh(["simulate", ...args]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/✗ \d+\.\d % of the tasks began within 5\.0s; 95 % were to/);
});

test("compares policies over the same tasks, for programs and as a page", async () => {
  const directory = freshDirectory();
  const few = join(directory, "few");
  mkdirSync(few);
  const text = readFileSync(join(root, "keda/testing.yaml"), "utf8");
  writeFileSync(join(few, "testing.yaml"), text.replace("maxReplicaCount: 200", "maxReplicaCount: 50"));
  const page = join(directory, "page.html");
  const args = [
    "--pattern",
    "spike",
    "--hours",
    "2",
    "--policy",
    join(root, "keda"),
    "--policy",
    few,
    "--html",
    page,
  ];
  const { stdout } = await agentmesh(["simulate", "--rate", "20000/h", "--json", ...args]);
  const [many, less] = JSON.parse(stdout);
  expect(many.roles[0].arrived).toBe(less.roles[0].arrived);
  expect(less.roles[0].replicasMost).toBe(50);
  expect(many.roles[0].waitsMs.p95).toBeLessThan(less.roles[0].waitsMs.p95);
  const html = readFileSync(page, "utf8");
  expect(html.match(/<svg /g)).toHaveLength(2);
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});

test("a trace is simulated to its end, however late that is", async () => {
  const trace = join(freshDirectory(), "trace.csv");
  writeFileSync(trace, "seconds,role,count\n100000,testing,7\n172900,testing,5\n");
  const { stdout } = await agentmesh(["simulate", "--trace", trace, "--json"]);
  expect(JSON.parse(stdout)[0].roles).toMatchObject([{ role: "testing", arrived: 12, ended: 12 }]);
});

test.each([
  [["--roles", "nobody"], 2, /has no ScaledObject of "nobody"; it has coding, /],
  [["--policy", "/nowhere"], 2, /\/nowhere: cannot be read/],
  [["--rate", "fast"], 2, /Write it as 5\/s, 30\/m or 100\/h/],
  [["--pattern", "wave"], 2, /steady, burst, diurnal, spike/],
  [["--trace", "/nowhere.csv"], 2, /\/nowhere\.csv: cannot be read/],
  [["--html", "/nowhere/page.html", "--hours", "1"], 2, /\/nowhere\/page\.html: cannot be written/],
  [["--slots", "1.5"], 2, /It must be a whole number/],
] as const)("%j cannot be meant", async (args, code, says) => {
  const ran = await agentmesh(["simulate", ...args]);
  expect([ran.code, ran.stderr]).toEqual([code, expect.stringMatching(says)]);
});
