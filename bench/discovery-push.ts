/**
 * One control plane, many clients, many endpoints: what a change of one endpoint costs until every client has been told, beside a bare
 * loop that writes the same bytes to as many streams; and the memory of a client. The clients, which only acknowledge,
 * are one process.
 *
 *   make bench NAME=discovery-push ARGS="--streams 1000 --endpoints 1000 --rounds 9"
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Endpoint } from "../src/discovery/endpoint.ts";
import { nowMicros } from "./support/now.ts";
import { options } from "./support/options.ts";
import { Part } from "./support/part.ts";
import { packageVersion, print, printHead, progress } from "./support/report.ts";
import { roleName } from "./support/role.ts";
import { median, withRange } from "./support/statistics.ts";
import { mebibytes, table } from "./support/table.ts";

const { streams, endpoints: count, rounds } = options({ streams: 1_000, endpoints: 1_000, rounds: 9 });

/** For acknowledgements to come in. */
const settleMs = 300;

/** All of them; the one of the place `changed` drains. */
function endpoints(changed: number): Endpoint[] {
  const locality = { region: "", zone: "", subZone: "" };
  return Array.from({ length: count }, (_, place) => ({
    ...{ id: `instance-${place}`, role: roleName, port: 9_090, locality, weight: 1, version: "1" },
    address: `10.0.${place >> 8}.${place & 255}`,
    health: place === changed ? "DRAINING" : "HEALTHY",
  }));
}

/** Somebody who tells many streams, and the streams. */
interface Side {
  readonly name: string;
  readonly server: Part;
  readonly clients: Part;
  push(round: number): Promise<unknown>;
}

interface Push {
  readonly lastMs: number;
  readonly serverMs: number;
  readonly clientsMs: number;
}

async function pushOf({ server, clients, push }: Side, round: number): Promise<Push> {
  const before = await Promise.all([server.usage(), clients.usage()]);
  const told = clients.ask<number>("nextOfEach");
  // The question must be there before the answers are.
  await clients.usage();
  const beganMicros = nowMicros();
  await push(round);
  const lastMs = ((await told) - beganMicros) / 1_000;
  // Acknowledgements are part of what it costs.
  await pause(settleMs);
  const after = await Promise.all([server.usage(), clients.usage()]);
  const [serverMs, clientsMs] = after.map(
    ({ cpuMicros }, place) => (cpuMicros - (before[place]?.cpuMicros ?? 0)) / 1_000,
  ) as [number, number];
  return { lastMs, serverMs, clientsMs };
}

printHead("A push to many clients", { "grpc-js": packageVersion("@grpc/grpc-js") });
print(
  `${streams} clients, a connection each, of a role with ${count} endpoints, one of which changes; median of ${rounds} interleaved rounds.\n`,
);
const plane = await Part.start("control-plane", { gatherMs: 0 });
await plane.ask("changed", endpoints(-1));
const idle = await plane.usage(true);
const connect = async (server: Part) => {
  const clients = await Part.start("ads-streams", { address: await server.ask("address"), streams });
  await clients.ask("connectAll");
  return clients;
};
progress(`${streams} clients connect`);
const clients = await connect(plane);
await pause(settleMs);
const connected = await plane.usage(true);
const ours: Side = {
  name: "agentmesh's control plane",
  server: plane,
  clients,
  push: (round) => plane.ask("changed", endpoints(round)),
};
await pushOf(ours, 0);
const seen = await clients.ask<{ readonly first: readonly string[]; readonly last: string }>("seen");
const loop = await Part.start("push-loop", {});
await loop.ask("say", { first: seen.first, pushed: seen.last });
const floor: Side = {
  name: "a loop that writes the same bytes",
  server: loop,
  clients: await connect(loop),
  push: () => loop.ask("push"),
};
const sides = [ours, floor];
progress("pushes");
for (const side of sides) await pushOf(side, 1);
const pushes = sides.map((): Push[] => []);
for (let round = 2; round < rounds + 2; round++)
  for (const [place, side] of sides.entries()) pushes[place]?.push(await pushOf(side, round));
const last = (place: number) => median((pushes[place] ?? []).map(({ lastMs }) => lastMs));
const ms = (value: number) => value.toFixed(0);
const rows = sides.map(({ name }, place) => {
  const samples = pushes[place] ?? [];
  return [
    name,
    withRange(
      samples.map(({ lastMs }) => lastMs),
      ms,
    ),
    withRange(
      samples.map(({ serverMs }) => serverMs),
      ms,
    ),
    withRange(
      samples.map(({ clientsMs }) => clientsMs),
      ms,
    ),
    place === 0 ? "" : `**${(last(0) / last(place)).toFixed(2)}**`,
  ];
});
const columns = ["", ">until the last has it, ms", ">server CPU, ms", ">clients' CPU, ms", ">ours over it"];
print(table(columns, rows));
const bytes = Buffer.from(seen.last, "base64").length;
const each = (of: number) => `${(of / streams / 1_024).toFixed(1)} KiB`;
const facts = [
  ["bytes of a push to one client", `${(bytes / 1_024).toFixed(1)} KiB`],
  ["bytes of a push to all", mebibytes(bytes * streams)],
  ["control plane's memory without clients (RSS)", mebibytes(idle.rssBytes)],
  ["control plane's memory with all (RSS)", mebibytes(connected.rssBytes)],
  ["a client (RSS)", each(connected.rssBytes - idle.rssBytes)],
  ["a client (V8 heap)", each(connected.heapBytes - idle.heapBytes)],
];
print(`\n${table(["", ">"], facts)}`);
for (const side of sides) {
  await side.clients.stop();
  await side.server.stop();
}
