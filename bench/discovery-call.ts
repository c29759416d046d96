/**
 * What it costs a client that its calls go by xDS: calls to three replicas by MeshClient's `xds:///ROLE` (least request, retries,
 * outlier detection, load reports) and by static round robin, MeshClient's and grpc-js's own. Each client is a process of its own.
 *
 *   make bench NAME=discovery-call ARGS="--rounds 9 --calls 10000"
 */
import type { CallerOptions } from "./parts/caller.ts";
import { type LatencyContender, latencyTable, measureLatency } from "./support/latency.ts";
import { options } from "./support/options.ts";
import { Part } from "./support/part.ts";
import { packageVersion, print, printHead, progress } from "./support/report.ts";
import { roleName } from "./support/role.ts";
import { median } from "./support/statistics.ts";
import { cpuInAll } from "./support/table.ts";

const { rounds, calls } = options({ rounds: 9, calls: 10_000 });

const replicas = await Part.start("replicas", {});
const plane = await Part.start("control-plane", {});
const ports: number[] = [];
for (let replica = 0; replica < 3; replica++)
  ports.push((await replicas.ask<{ readonly port: number }>("add")).port);
await plane.ask("changed", ports.map(endpointAt));
const addresses = ports.map((port) => `127.0.0.1:${port}`).join(",");

function endpointAt(port: number) {
  const locality = { region: "", zone: "", subZone: "" };
  const place = { id: String(port), role: roleName, address: "127.0.0.1", port, locality };
  return { ...place, weight: 1, version: "1", health: "HEALTHY" };
}

const controlPlane = await plane.ask<string>("address");
const caller = (way: CallerOptions["way"]) => Part.start("caller", { way, controlPlane, addresses });
const callers = [
  { name: "MeshClient, xds:///", part: await caller("xds") },
  { name: "MeshClient, static round robin", part: await caller("static") },
  { name: "grpc-js, static round robin", part: await caller("bare") },
];

function contenders(inFlight: number): LatencyContender[] {
  return callers.map(({ name, part }) => ({
    name,
    meters: [part.meter("client")],
    run: (calls) => part.ask("calls", { calls, inFlight }),
    latency: () => part.ask("latency"),
  }));
}

async function row(inFlight: number): Promise<string> {
  progress(`${inFlight} in flight`);
  const measured = await measureLatency(contenders(inFlight), { tasks: calls, rounds });
  const [xds = Number.NaN, list = Number.NaN, bare = Number.NaN] = measured.map(cpuInAll);
  const p50 = measured.map(({ samples }) => median(samples.map(({ p50Micros }) => p50Micros)));
  const over = (place: number) => `${((p50[0] as number) - (p50[place] as number)).toFixed(1)} µs`;
  return `### ${inFlight} in flight

${latencyTable(measured)}

By xDS over static round robin: CPU **${(xds / list).toFixed(2)}** of MeshClient's and **${(xds / bare).toFixed(2)}** of grpc-js's; median **${over(1)}** and **${over(2)}** later.
`;
}

printHead("A call by xDS", {
  "grpc-js": packageVersion("@grpc/grpc-js"),
  "grpc-js-xds": packageVersion("@grpc/grpc-js-xds"),
});
print(`Three replicas; ${calls} calls a round, median of ${rounds} interleaved rounds.\n`);
for (const inFlight of [1, 64]) print(await row(inFlight));
for (const { part } of callers) await part.stop();
await plane.stop();
await replicas.stop();
