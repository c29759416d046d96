/**
 * The embedded store: SQLite with an fsync each commit, beside bare node:sqlite on the same disk, and beside graphile-worker
 * on a PostgreSQL of its own where that is installed.
 *
 *   make bench NAME=embedded ARGS="--rounds 5 --scale 1"
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../src/queue/sqlite/store.ts";
import { GraphileSide } from "./support/graphile-side.ts";
import { type Contender, measure, tasksInAll } from "./support/measure.ts";
import { ownMeter } from "./support/meters.ts";
import { options } from "./support/options.ts";
import { PostgresServer } from "./support/postgres.ts";
import { OurSide, payloadBytes, storeLimits, workerSlots } from "./support/queue-contenders.ts";
import { packageVersion, print, printHead, progress } from "./support/report.ts";
import { benchInput } from "./support/role.ts";
import { SqliteFloor } from "./support/sqlite-floor.ts";
import { median } from "./support/statistics.ts";
import { type Row, ratioOf, throughputTable } from "./support/table.ts";

/** `scale`: times the tasks of each row. */
const { rounds, scale } = options({ rounds: 5, scale: 1 });

interface Sides {
  readonly ours: OurSide;
  readonly floor: SqliteFloor;
  readonly graphile: GraphileSide | undefined;
}

interface Plan {
  readonly title: string;
  readonly tasks: number;
  /** True: as many tasks as will be leased are queued first; filling is not counted. */
  readonly filled?: boolean;
  contend(sides: Sides): readonly (Contender | undefined)[];
}

const plans: readonly Plan[] = [
  {
    title: "submit, 1 in flight",
    tasks: 2_000,
    contend: ({ ours, graphile, floor }) => [ours.submit(1), graphile?.submit(1), floor.submit(1)],
  },
  {
    title: "submit, 64 in flight",
    tasks: 10_000,
    contend: ({ ours, graphile, floor }) => [ours.submit(64), graphile?.submit(64), floor.submit(64)],
  },
  {
    title: "submit, batches of 100",
    tasks: 20_000,
    contend: ({ ours, graphile, floor }) => [
      ours.submitBatches(100),
      graphile?.submitBatches(100),
      floor.submit(100),
    ],
  },
  {
    title: `lease and complete, ${workerSlots} slots`,
    tasks: 10_000,
    filled: true,
    contend: ({ ours, graphile, floor }) => [ours.drain(), graphile?.drain(), floor.drain(workerSlots)],
  },
  {
    title: "whole life cycle, in by 100",
    tasks: 10_000,
    contend: ({ ours, graphile, floor }) => [
      ours.lifeCycle(100),
      graphile?.lifeCycle(100),
      floor.lifeCycle(100, workerSlots),
    ],
  },
];

async function measureRow(plan: Plan, place: number, graphile: GraphileSide | undefined): Promise<Row> {
  progress(plan.title);
  const directory = mkdtempSync(join(tmpdir(), "agentmesh-bench-"));
  const store = await openSqliteStore({ file: join(directory, "mesh.db"), limits: storeLimits });
  const floor = new SqliteFloor(join(directory, "floor.db"), payloadBytes);
  const ours = new OurSide(store, `b${place}`, [ownMeter("client")]);
  try {
    const size = { tasks: Math.max(500, Math.round((plan.tasks * scale) / 500) * 500), rounds };
    const sides = { ours, floor, graphile };
    if (plan.filled)
      for (const side of Object.values(sides)) await side?.fill(tasksInAll(size) + 200 * (rounds + 1));
    const contenders = plan.contend(sides).filter((one) => one !== undefined);
    return { title: plan.title, measured: await measure(contenders, size) };
  } finally {
    await graphile?.clear();
    floor.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const postgres = await PostgresServer.start();
const data = benchInput(payloadBytes);
const graphile = postgres && (await GraphileSide.open(postgres, { data, slots: workerSlots }));
const peers = postgres && {
  PostgreSQL: postgres.version,
  "graphile-worker": packageVersion("graphile-worker"),
};
printHead("The embedded store", { SQLite: process.versions.sqlite ?? "?", ...peers });
print(`Files in ${tmpdir()}, an fsync each commit; median of ${rounds} interleaved rounds.`);
if (postgres === undefined)
  print("\nPostgreSQL is not installed (apt-get install postgresql): graphile-worker is left out.");
const rows: Row[] = [];
for (const plan of plans) rows.push(await measureRow(plan, rows.length, graphile));
print(`\n${throughputTable(rows)}`);
const rates = rows.map((row) => median((row.measured[0]?.samples ?? []).map((one) => one.perSecond)));
print(`\n64 callers over single commits, ours: **${ratioOf(rates[1] as number, rates[0] as number)}**.`);
await graphile?.close();
await postgres?.stop();
