/** The commands that see to whole queues, against a mesh that `agentmesh up` started. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QueueStatus } from "../../gen/grpc/agentmesh/v1/task.ts";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { policyLines } from "../../src/cli/policy-lines.ts";
import { shortCount, shortRate } from "../../src/cli/queue-table.ts";
import { agentmesh, cleanUp, freshDirectory, type Ran, startUp, type Up } from "./cli.ts";

const slowRole = join(import.meta.dirname, "slow-role.ts");
const directory = freshDirectory();
const never = `{"until": "${directory}/never"}`;
let up: Up;
const mesh = (...args: string[]): Promise<Ran> =>
  agentmesh([...args, "--server", up.server], { cwd: directory });
const json = ({ stdout }: Ran) => JSON.parse(stdout);
const id = async (...args: string[]): Promise<string> =>
  json(await mesh("submit", "slow", never, "--json", ...args)).id;

beforeAll(async () => {
  up = await startUp(["--role-module", slowRole, "--label", "gpu=a100", "--label", "zone=b"]);
});
afterAll(cleanUp);

describe("pause and resume", () => {
  it("hold a queue's tasks back and let them go, and say who did it and why", async () => {
    const paused = await mesh("pause", "slow", "--reason", "the disk is full", "--by", "anna");
    expect(paused.code).toBe(0);
    expect(paused.stdout).toContain("slow is paused by anna: the disk is full; 0 tasks");
    const table = (await mesh("queues")).stdout;
    expect(table).toMatch(/^slow .* paused$/m);
    expect(table).toMatch(/^slow is paused by anna: the disk is full$/m);
    const task = await id();
    const explained = await mesh("explain", task);
    expect(explained.stdout).toMatch(
      new RegExp(`^${task} is QUEUED\\nQUEUE_PAUSED\\n {2}the queue slow is paused by anna`),
    );
    const programs = json(await mesh("explain", task, "--json"));
    expect(programs).toMatchObject({ state: "TASK_STATE_QUEUED", reasons: [{ kind: "QUEUE_PAUSED" }] });
    expect((await mesh("resume", "slow")).stdout).toMatch(/^slow is not paused; /);
    await mesh("cancel", task);
    expect(json(await mesh("resume", "slow", "--json"))).toMatchObject({ role: "slow", paused: false });
  });

  it("of a role that is none end with 2 and name the nearest", async () => {
    const ran = await mesh("pause", "slwo", "--reason", "x");
    expect(ran.code).toBe(exitCodes.invalid.code);
    expect(ran.stderr).toContain('Did you mean "slow"?');
    expect((await mesh("pause", "slow")).code).toBe(exitCodes.invalid.code);
  });
});

describe("configure", () => {
  it("shows, changes what is named, lifts and resets a queue's limits", async () => {
    expect((await mesh("configure", "slow")).stdout).toBe("slow\n  no limits\n");
    const set = await mesh("configure", "slow", "--running", "2", "--rate", "30/m", "--weight", "acme=3");
    expect(set.stdout).toBe(
      "slow\n  2 run at once\n  30 a minute, 1 at once, start\n  acme has the share 3\n",
    );
    const more = json(
      await mesh("configure", "slow", "--running-per-key", "1", "--running", "none", "--json"),
    );
    expect(more.policy).toMatchObject({
      runningMax: 0,
      runningPerKeyMax: 1,
      rate: { perSecond: 0.5, burst: 1 },
      tenantWeights: { acme: 3 },
    });
    expect((await mesh("configure", "slow", "--reset")).stdout).toBe("slow\n  no limits\n");
  });

  it.each([
    [["--rate", "fast"], /Write it as 5\/s/],
    [["--running", "0"], /whole number from 1/],
    [["--reset", "--running", "1"], /--reset: goes back/],
    [["--burst", "3"], /--burst: there is no rate/],
    [["--weight", "acme=much"], /policy\.tenant_weights: gives "acme" NaN/],
  ])("%j is refused", async (args, says) => {
    const ran = await mesh("configure", "slow", ...args);
    expect([ran.code, ran.stdout]).toEqual([exitCodes.invalid.code, ""]);
    expect(ran.stderr).toMatch(says);
  });
});

describe("labels, keys and timeouts", () => {
  it("of a submit are taken, shown and explained", async () => {
    const task = await id(
      ...["--worker-label", "gpu=h100", "--concurrency-key", "tenant-7", "--label", "a=b"],
      ...["--to-start-seconds", "600", "--to-finish-seconds", "60", "--heartbeat-seconds", "5"],
    );
    const shown = (await mesh("get", task)).stdout;
    expect(shown).toMatch(/worker labels +gpu=h100/);
    expect(shown).toMatch(/key +tenant-7/);
    expect(shown).toMatch(/timeouts +10m00s to start, 1m00s to finish, 5\.0s heartbeat/);
    const { stdout } = await mesh("explain", task);
    expect(stdout).toContain("NO_MATCHING_WORKER");
    expect(stdout.replace(/\n {2}/g, " ")).toContain(
      "no worker with label gpu=h100; the one present has: gpu=a100, zone=b",
    );
    await mesh("cancel", task);
  });

  it("that the workers of `up` have let a task run", async () => {
    const ran = await mesh("submit", "slow", '{"until": "/"}', "--worker-label", "gpu=a100", "--wait");
    expect(json(ran)).toEqual({ done: true });
  });
});

describe("redrive and purge", () => {
  it("put back what failed, and delete what is not wanted", async () => {
    const task = await id("--attempts", "1", "--to-finish-seconds", "1");
    expect((await mesh("watch", task)).code).toBe(exitCodes.failed.code);
    expect((await mesh("redrive", "slow", "--kind", "OTHER")).stdout).toBe("0 tasks of slow put back\n");
    const wrong = await mesh("redrive", "slow", "--input", "until:=7");
    expect([wrong.code, wrong.stdout]).toEqual([exitCodes.failed.code, "0 tasks of slow put back\n"]);
    expect(wrong.stderr).toContain(`${task} was not: input_merge.until: must be a string`);
    const args = ["redrive", "slow", "--kind", "FINISH_TIMEOUT", "--input", "until=/", "--json"];
    expect(json(await mesh(...args))).toMatchObject({ redriven: "1", refused: "0", more: false });
    expect((await mesh("watch", task)).code).toBe(0);
    const asked = await mesh("purge", "slow", "--state", "succeeded");
    expect([asked.code, asked.stdout]).toEqual([exitCodes.invalid.code, ""]);
    expect(asked.stderr).toContain("--yes: is needed where nobody can be asked");
    expect((await mesh("purge", "slow", "--state", "succeeded", "--yes")).stdout).toMatch(
      /^\d+ tasks? of slow deleted\n$/,
    );
    expect((await mesh("get", task)).code).toBe(exitCodes.notFound.code);
  });

  it("refuse what cannot be meant", async () => {
    const none = await mesh("purge", "slow", "--yes");
    expect([none.code, none.stderr]).toEqual([
      exitCodes.invalid.code,
      expect.stringContaining("--state: name the states"),
    ]);
    const running = await mesh("purge", "slow", "--state", "running", "--yes");
    expect(running.code).toBe(exitCodes.invalid.code);
    expect(running.stderr).toContain("RUNNING tasks are not purged");
    const both = await mesh("redrive", "slow", "{}", "--input", "until=/");
    expect(both.code).toBe(exitCodes.invalid.code);
  });
});

describe("what people read", () => {
  it.each([
    [0, "0"],
    [99_999, "99999"],
    [123_456, "123k"],
    [12_345_678, "12M"],
  ])("a count of %d is %s", (count, shown) => expect(shortCount(count)).toBe(shown));

  it.each([
    [0, "0"],
    [0.0166, "0.02"],
    [0.5, "0.5"],
    [12.34, "12.3"],
    [99.96, "100"],
    [12_345.6, "12346"],
  ])("a rate of %d is %s", (rate, shown) => expect(shortRate(rate)).toBe(shown));

  it("a policy, one limit a line, rates in the unit that suits them", () => {
    const { policy } = QueueStatus.fromPartial({
      policy: {
        runningMax: 8,
        runningPerKeyMax: 2,
        rate: { perSecond: 2.5, burst: 5 },
        ratePerKey: { perSecond: 10 / 3_600, burst: 1 },
        tenantWeights: { acme: 3 },
      },
    });
    expect(policyLines(policy)).toEqual([
      "8 run at once",
      "2 with one concurrency key run at once",
      "2.5 a second, 5 at once, start",
      "10 an hour, 1 at once, with one concurrency key start",
      "acme has the share 3",
    ]);
    expect(policyLines(undefined)).toEqual(["no limits"]);
  });
});
