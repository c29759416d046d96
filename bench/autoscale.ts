/**
 * The laptop's scaler: a burst of tasks on a mesh without a worker process, until the queue is empty, beside a fleet that has its most
 * from the start. The processes are those of `agentmesh up --autoscale`.
 *
 *   make bench NAME=autoscale ARGS="--rounds 3 --tasks 1000 --milliseconds 100 --most 8"
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { MeshClient } from "../src/client/mesh-client.ts";
import { options } from "./support/options.ts";
import { print, printHead, progress } from "./support/report.ts";
import { median, withRange } from "./support/statistics.ts";
import { table } from "./support/table.ts";

const { rounds, tasks, milliseconds, most } = options({
  rounds: 3,
  tasks: 1_000,
  milliseconds: 100,
  most: 8,
});
const directory = mkdtempSync(join(tmpdir(), "agentmesh-bench-"));
const role = "pausing";
writeFileSync(
  join(directory, "pausing.ts"),
  `import { setTimeout as pause } from "node:timers/promises";
import { z } from "${new URL("../node_modules/zod/index.js", import.meta.url).href}";
import { defineRole } from "${new URL("../src/agent/role.ts", import.meta.url).href}";
export default defineRole({
  name: "${role}", summary: "Waits", input: z.any(), output: z.unknown(), concurrency: 4,
  run: () => pause(${milliseconds}),
});
`,
);

function policyFile(min: number): string {
  const folder = join(directory, `from-${min}`);
  const text = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: ${role} }
spec:
  scaleTargetRef: { name: ${role} }
  minReplicaCount: ${min}
  maxReplicaCount: ${most}
  advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: { policies: [{ type: Percent, value: 900, periodSeconds: 15 }] } } } }
  triggers: [{ type: external-push, metadata: { scalerAddress: "scaler:9090", role: ${role}, tasksPerReplica: "4" } }]
`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${role}.yaml`), text);
  return folder;
}

interface Up {
  readonly child: ChildProcess;
  readonly mesh: MeshClient;
}

/** A mesh of its own; resolves when its least of workers takes tasks. */
async function start(min: number): Promise<Up> {
  const ports = ["--grpc-port", "--http-port", "--metrics-port", "--health-port"].flatMap((flag) => [
    flag,
    "0",
  ]);
  const own = [
    "--data-dir",
    mkdtempSync(join(directory, "data-")),
    "--role-module",
    join(directory, "pausing.ts"),
  ];
  const main = new URL("../src/cli/main.ts", import.meta.url).pathname;
  const args = [main, "up", ...ports, ...own, "--autoscale", policyFile(min), "--log-format", "json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  for await (const line of lines) {
    if (!line.includes('"message":"ready"')) continue;
    const { grpc } = JSON.parse(line) as { grpc: Record<string, string> };
    const mesh = new MeshClient({ server: Object.values(grpc)[0] as string });
    while (((await mesh.scale([role]))[0]?.ready ?? 0) < min) await pause(50);
    return { child, mesh };
  }
  throw new Error("the mesh did not start");
}

/** Seconds from the burst's submit until every task has ended. */
async function burst({ mesh }: Up): Promise<number> {
  const begun = performance.now();
  await mesh.submitAll(Array.from({ length: tasks }, () => ({ role })));
  while (((await mesh.queues([role]))[0]?.succeeded ?? 0) < tasks) await pause(20);
  return (performance.now() - begun) / 1_000;
}

async function round(min: number): Promise<number> {
  const up = await start(min);
  const seconds = await burst(up);
  up.mesh.close();
  const ended = once(up.child, "exit");
  up.child.kill("SIGTERM");
  await ended;
  return seconds;
}

printHead("The laptop's scaler", {});
print(
  `${tasks} tasks of ${milliseconds} ms at once, processes of four slots, ${most} at most; ${rounds} interleaved rounds.\n`,
);
const fromNone: number[] = [];
const fixed: number[] = [];
for (let turn = 0; turn < rounds; turn++) {
  progress(`round ${turn + 1} of ${rounds}`);
  fromNone.push(await round(0));
  fixed.push(await round(most));
}
const seconds = (value: number) => `${value.toFixed(1)} s`;
const rows = [
  ["from no process", withRange(fromNone, seconds), ""],
  [
    `${most} processes from the start`,
    withRange(fixed, seconds),
    `**${(median(fromNone) / median(fixed)).toFixed(1)}**`,
  ],
];
print(table(["", ">until all have ended, median (range)", ">from none over it"], rows));
rmSync(directory, { recursive: true, force: true });
