/** Each command against a mesh that `agentmesh up` started. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands/index.ts";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { agentmesh, cleanUp, freshDirectory, inParallel, type Ran, sample, startUp, type Up } from "./cli.ts";

const slowRole = join(import.meta.dirname, "slow-role.ts");
const directory = freshDirectory();
let up: Up;
const mesh = (...args: string[]): Promise<Ran> =>
  agentmesh([...args, "--server", up.server], { cwd: directory });
const json = ({ stdout }: Ran) => JSON.parse(stdout);

beforeAll(async () => {
  up = await startUp(["--role-module", slowRole]);
});
afterAll(cleanUp);

describe("a task", () => {
  it("is submitted, waited for and answered; JSON goes to stdout alone", async () => {
    const ran = await mesh("submit", "testing", "--input", `repository=${sample}`, "--wait");
    expect(ran.code).toBe(0);
    expect(json(ran)).toMatchObject({ ok: false, counts: { total: 9, failed: 1 } });
  });

  it("that fails ends --wait and watch with 1, and says why", async () => {
    const ran = await mesh("submit", "testing", '{"repository": "/no/such"}', "--watch");
    expect(ran.code).toBe(exitCodes.failed.code);
    expect(ran.stderr).toMatch(/REPOSITORY_NOT_FOUND/);
    const [task] = json(await mesh("list", "--state", "failed", "--json")).tasks;
    const watched = await mesh("watch", task.id, "--json");
    expect(watched.code).toBe(exitCodes.failed.code);
    const events = watched.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events[0].entry.state.state).toBe("TASK_STATE_QUEUED");
    expect(events.at(-1).final.error.kind).toBe("REPOSITORY_NOT_FOUND");
    const retried = await mesh("retry", task.id, "--input", `repository=${sample}`, "--json");
    expect(json(retried)).toMatchObject({ id: task.id, generation: 2 });
    expect((await mesh("watch", task.id)).code).toBe(0);
  });

  it("takes its options, is shown, found by label and tenant, canceled, and is the same for the same key", async () => {
    const args = ["submit", "slow", `{"until": "${directory}/never"}`, "--key", "k1", "--priority", "9"];
    const more = ["--tenant", "t1", "--label", "a=b", "--attempts", "1", "--title", "Wait", "--json"];
    const { id, existing } = json(await mesh(...args, ...more));
    expect(existing).toBe(false);
    expect(json(await mesh(...args, ...more))).toMatchObject({ id, existing: true });
    const task = json(await mesh("get", id, "--json"));
    expect(task.spec).toMatchObject({ priority: 9, tenant: "t1", labels: { a: "b" }, title: "Wait" });
    const found = json(await mesh("list", "--tenant", "t1", "--label", "a=b", "--role", "slow", "--json"));
    expect(found.tasks.map((one: { id: string }) => one.id)).toEqual([id]);
    expect((await mesh("get", id)).stdout).toMatch(/title +Wait/);
    expect((await mesh("cancel", id, "--reason", "enough")).stdout).toContain(`${id} is CANCELED`);
    const watched = await mesh("watch", id);
    expect(watched.code).toBe(exitCodes.failed.code);
    expect(watched.stderr).toContain("enough");
  });

  it("can wait for its time", async () => {
    const { id } = json(await mesh("submit", "slow", '{"until": "/"}', "--delay-ms", "600000", "--json"));
    expect(json(await mesh("get", id, "--json")).state).toBe("TASK_STATE_SCHEDULED");
    await mesh("cancel", id);
  });
});

describe("a workflow", () => {
  it("runs, tells of each node, and leaves a review in files", async () => {
    const ran = await mesh("run", "review", "--input", `repository=${sample}`, "--out", "report");
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(/tests +RUNNING/);
    expect(ran.stdout).toMatch(/Verdict: fail/);
    expect(readdirSync(join(directory, "report")).sort()).toEqual([
      "report.json",
      "report.md",
      "security.sarif",
    ]);
    const id = ran.stderr.split("\n")[0] ?? "";
    expect(json(await mesh("get", id, "--json")).nodes).toHaveLength(3);
    expect((await mesh("watch", id)).code).toBe(0);
    expect(json(await mesh("get", id, "--output")).verdict).toBe("fail");
  });

  it("is canceled with its nodes", async () => {
    const file = join(directory, "wait.yaml");
    const node = `{role: slow, input: {until: ${directory}/never}}`;
    writeFileSync(
      file,
      `name: wait\nnodes:\n  a: ${node}\n  b: {role: slow, needs: [a], input: {until: /}}\n`,
    );
    const { id } = json(await mesh("run", file, "--detach", "--json"));
    expect(json(await mesh("cancel", id, "--json")).state).toBe("TASK_STATE_CANCELED");
    expect((await mesh("watch", id)).code).toBe(exitCodes.failed.code);
  });
});

describe("what shows the mesh", () => {
  it("queues: all, or some", async () => {
    const { queues } = json(await mesh("queues", "slow", "testing", "--json"));
    expect(queues.map((queue: { role: string }) => queue.role)).toEqual(["slow", "testing"]);
    const { stdout } = await mesh("queues");
    expect(stdout).toMatch(/^QUEUE .*\norchestrator /);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("roles: the list and one role's schemas, without a server", async () => {
    const { roles } = json(await agentmesh(["roles", "--role-module", slowRole, "--json"]));
    expect(roles[0]).toMatchObject({ name: "orchestrator", port: 9090 });
    expect(roles.at(-1)).toMatchObject({ name: "slow", port: 9590 });
    const one = json(await agentmesh(["roles", "testing", "--json"]));
    expect(one.input.required).toEqual(["repository"]);
    expect(one.output.properties.counts).toBeDefined();
    expect((await agentmesh(["roles", "testing"])).stdout).toMatch(
      /agentmesh submit testing '\{"repository"/,
    );
  });

  it("doctor: every finding has a health; a port that a stranger holds is a fault", async () => {
    const ready = up.ready as { metricsPort: number };
    const free = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"];
    const well = await agentmesh(["doctor", "--json", ...free, "--health-port", "0"], { cwd: directory });
    expect(json(well)).toMatchObject({ ok: true });
    for (const finding of json(well).findings) expect(["ok", "warn"]).toContain(finding.health);
    const bodies = json(well).findings.find(({ what }: { what: string }) => what === "bodies");
    expect(bodies).toMatchObject({ health: "ok", found: expect.stringContaining("262145 to 7340032 bytes") });
    const port = ["--health-port", String(ready.metricsPort)];
    const ill = await agentmesh(["doctor", ...free, ...port], { cwd: directory });
    expect(ill.code).toBe(exitCodes.failed.code);
    expect(ill.stdout).toMatch(/fail {2}port \d+ .*another program/s);
  });

  it("doctor: a body store that cannot be used is a fault; a secret is never shown", async () => {
    const free = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0", "--health-port", "0"];
    const run = async (bodies: string, env = {}) => {
      const ran = await agentmesh(["doctor", ...free, "--bodies", bodies], { cwd: directory, env });
      expect(ran.code).toBe(exitCodes.failed.code);
      return ran.stdout.replaceAll(/\s+/g, " ");
    };
    expect(await run("file:/proc/bodies")).toMatch(
      /fail bodies \/proc\/bodies cannot be used: .*--bodies \(bodies.url\)/,
    );
    expect(await run("redis://127.0.0.1:1")).toMatch(
      /fail bodies Redis at redis:\/\/127.0.0.1:1 is not available/,
    );
    expect(await run("s3://bucket")).toMatch(
      /fail bodies s3.accessKeyId: is needed.*s3.secretAccessKey: is needed/,
    );
    const key = { AGENTMESH_S3_ACCESS_KEY_ID: "id", AGENTMESH_S3_SECRET_ACCESS_KEY: "hush-hush" };
    const away = await run("s3://bucket", { ...key, AGENTMESH_S3_ENDPOINT: "http://127.0.0.1:2" });
    expect(away).toMatch(
      /fail bodies bodies in s3:\/\/bucket\/ at http:\/\/127.0.0.1:2 are not available: .*ECONNREFUSED/,
    );
    expect(away).toContain("s3.secretAccessKey set, not shown");
    expect(away).not.toContain("hush-hush");
  });
});

describe("help", () => {
  it("lists every command and every exit code", async () => {
    const { stdout, code } = await agentmesh(["--help"]);
    expect(code).toBe(0);
    for (const { name } of commands) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
    for (const exit of Object.values(exitCodes)) expect(stdout).toContain(`${exit.code}  ${exit.meaning}`);
  });

  it("of every command has examples", async () => {
    await inParallel(commands, 4, async ({ name }) => {
      const { stdout, code } = await agentmesh([name, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        new RegExp(`^Usage: agentmesh ${name}[^]*\\nExamples:\\n {2}# .*\\n {2}\\$ agentmesh ${name}`),
      );
    });
  });
});

describe("up", () => {
  it("lets a running task end when it is told to stop, and ends with 0", async () => {
    const data = freshDirectory();
    const own = await startUp(["--role-module", slowRole], data);
    const until = join(directory, "go");
    const client = new MeshClient({ server: own.server });
    const { id } = await client.submit("slow", { until });
    for await (const { event } of client.watch(id))
      if (event?.$case === "entry" && event.value.entry?.$case === "line") break;
    client.close();
    const stopped = own.stop("SIGTERM");
    await own.line(/"message":"draining/);
    writeFileSync(until, "");
    expect(await stopped).toBe(0);
    expect(own.log.at(-1)).toMatch(/"message":"stopped"/);
    const again = await startUp(["--role-module", slowRole], data);
    const task = json(await agentmesh(["get", id, "--json", "--server", again.server]));
    expect(task).toMatchObject({
      state: "TASK_STATE_SUCCEEDED",
      attempt: 1,
      output: { json: { done: true } },
    });
    expect(await again.stop("SIGINT")).toBe(0);
  });
});
