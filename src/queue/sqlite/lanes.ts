/**
 * The lanes of QUEUED tasks: rows kept in memory while they change and written in the transaction that changes them. How many
 * open lanes there are, by tenant and by worker labels, is kept in memory alone: the one owner counts it when it first asks.
 */
import { hasLabels, labelsName, labelsOf, laneOf } from "../lane.ts";
import type { Statements } from "./statements.ts";

export interface LaneRow {
  readonly queue: string;
  readonly name: string;
  readonly priority: number;
  readonly tenant: string;
  readonly key: string;
  /** As labelsName gives it. */
  readonly labels: string;
  pass: number;
  /** Tasks in it; a lane without any has no row. */
  waiting: number;
  /** Those of them that are in chunks. */
  plain: number;
  /** A cap or a rate of its key holds it back. */
  parked: 0 | 1;
}

type Opening = (lane: LaneRow) => Pick<LaneRow, "pass" | "parked">;

/** Lanes of one priority that ask for the same of a worker. */
interface Group {
  readonly priority: number;
  readonly labels: string;
  readonly wanted: Readonly<Record<string, string>>;
  /** Open ones. */
  lanes: number;
}

interface QueueLanes {
  readonly rows: Map<string, LaneRow>;
  readonly groups: Map<string, Group>;
  /** Open lanes of a tenant at a priority. */
  readonly shares: Map<string, number>;
  /** Open lanes lost since the lease call began. */
  lost: Map<string, number> | undefined;
}

/** Rows that are kept in memory, of all queues, after they were written. */
const cleanRowsMax = 1_000;

export class Lanes {
  readonly #sql: Statements;
  readonly #queues = new Map<string, QueueLanes>();
  readonly #dirty = new Set<LaneRow>();
  /** Those that must be written whole, since an index has changed: to count is cheaper. */
  readonly #moved = new Set<LaneRow>();
  #kept = 0;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** A task joins, or plain ones that came together; `opening` says how a lane begins that was empty. */
  join(queue: string, name: string, opening: Opening, plain?: number): void {
    const lane = this.#find(queue, name) ?? this.#open(queue, name, opening);
    lane.waiting += plain ?? 1;
    lane.plain += plain ?? 0;
    this.#dirty.add(lane);
  }

  /** A task leaves, or so many plain ones. */
  leave(queue: string, name: string, plain?: number): void {
    const lane = this.#get(queue, name);
    lane.waiting -= plain ?? 1;
    lane.plain -= plain ?? 0;
    this.#dirty.add(lane);
    if (lane.waiting === 0 && lane.parked === 0) this.#count(lane, -1);
  }

  /** A task of it is in a chunk no more. */
  moveOut(queue: string, name: string): void {
    const lane = this.#get(queue, name);
    lane.plain -= 1;
    this.#dirty.add(lane);
  }

  /** Its pass has moved. */
  changed(lane: LaneRow): void {
    this.#dirty.add(lane);
    this.#moved.add(lane);
  }

  /** Holds all lanes of a key back, or frees them, each at the pass that `freedAt` says. */
  park(queue: string, key: string, parked: 0 | 1, freedAt: (lane: LaneRow) => number): void {
    this.flush();
    for (const stored of this.#sql.all<LaneRow>("keyLanes", { queue, key, parked: 1 - parked })) {
      const lane = this.#known(stored);
      if (parked === 0) lane.pass = freedAt(lane);
      lane.parked = parked;
      this.#count(lane, parked === 1 ? -1 : 1);
      this.changed(lane);
    }
  }

  /** From now until {@link endCall}, {@link share} answers as of now. */
  beginCall(queue: string): void {
    this.#of(queue).lost = new Map();
  }

  endCall(queue: string): void {
    this.#of(queue).lost = undefined;
  }

  /** Open lanes that the lane's tenant had at its priority when the call began. */
  share(lane: LaneRow): number {
    const { shares, lost } = this.#of(lane.queue);
    const name = shareName(lane);
    return (shares.get(name) ?? 0) + (lost?.get(name) ?? 0);
  }

  /** Whether no other open lane asks for the same at its priority. */
  isAlone(lane: LaneRow): boolean {
    return this.#of(lane.queue).groups.get(groupName(lane))?.lanes === 1;
  }

  /** The first open lane of each group that a worker may be served from. */
  heads(queue: string, labels: Readonly<Record<string, string>>): LaneRow[] {
    return [...this.#of(queue).groups.values()]
      .filter(({ wanted }) => hasLabels(labels, wanted))
      .flatMap((group) => this.#head(queue, group) ?? []);
  }

  /** The first open lane of the group that a lane is, or was, in. */
  headBeside(lane: LaneRow): LaneRow | undefined {
    const group = this.#of(lane.queue).groups.get(groupName(lane));
    return group === undefined ? undefined : this.#head(lane.queue, group);
  }

  /** Writes what has changed into the open transaction. */
  flush(): void {
    for (const lane of this.#dirty)
      if (lane.waiting > 0) this.#sql.run(this.#moved.has(lane) ? "putLane" : "countLane", lane);
      else this.#drop(lane);
    this.#dirty.clear();
    this.#moved.clear();
  }

  /** Keeps memory bounded; between calls, since a call holds rows. */
  trim(): void {
    if (this.#kept <= cleanRowsMax) return;
    for (const { rows } of this.#queues.values()) rows.clear();
    this.#kept = 0;
  }

  /** After a rollback: what is in memory may not be so. */
  forget(): void {
    this.#queues.clear();
    this.#dirty.clear();
    this.#moved.clear();
    this.#kept = 0;
  }

  #get(queue: string, name: string): LaneRow {
    const lane = this.#find(queue, name);
    if (lane === undefined) throw new Error(`the queue ${queue} has no lane ${name}`);
    return lane;
  }

  #find(queue: string, name: string): LaneRow | undefined {
    const known = this.#of(queue).rows.get(name);
    if (known !== undefined) return known.waiting > 0 ? known : this.#drop(known);
    const stored = this.#sql.one<LaneRow>("laneByName", { queue, name });
    return stored && this.#known(stored);
  }

  #open(queue: string, name: string, opening: Opening): LaneRow {
    const { priority, tenant, concurrencyKey: key, workerLabels } = laneOf(name);
    const labels = labelsName(workerLabels);
    const lane: LaneRow = {
      queue,
      name,
      priority,
      tenant,
      key,
      labels,
      pass: 0,
      waiting: 0,
      plain: 0,
      parked: 0,
    };
    Object.assign(lane, opening(lane));
    if (lane.parked === 0) this.#count(lane, 1);
    const known = this.#known(lane);
    this.#moved.add(known);
    return known;
  }

  /** The row in memory that stands for a stored one. */
  #known(stored: LaneRow): LaneRow {
    const { rows } = this.#of(stored.queue);
    const known = rows.get(stored.name);
    if (known !== undefined) return known;
    const lane = { ...stored };
    rows.set(lane.name, lane);
    this.#kept += 1;
    return lane;
  }

  #drop(lane: LaneRow): undefined {
    this.#sql.run("deleteLane", lane);
    this.#dirty.delete(lane);
    this.#moved.delete(lane);
    if (this.#of(lane.queue).rows.delete(lane.name)) this.#kept -= 1;
  }

  #head(queue: string, { priority, labels }: Group): LaneRow | undefined {
    this.flush();
    const stored = this.#sql.one<LaneRow>("firstLane", { queue, priority, labels });
    return stored && this.#known(stored);
  }

  #count(lane: Pick<LaneRow, "queue" | "priority" | "tenant" | "labels">, by: number): void {
    const { shares, lost } = this.#of(lane.queue);
    add(shares, shareName(lane), by);
    if (lost !== undefined && by < 0) add(lost, shareName(lane), -by);
    this.#countGroup(this.#of(lane.queue).groups, lane, by);
  }

  #countGroup(groups: Map<string, Group>, { priority, labels }: Omit<Group, "wanted" | "lanes">, by: number) {
    const name = groupName({ priority, labels });
    const group = groups.get(name) ?? { priority, labels, wanted: labelsOf(labels), lanes: 0 };
    group.lanes += by;
    if (group.lanes > 0) groups.set(name, group);
    else groups.delete(name);
  }

  #of(queue: string): QueueLanes {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    const lanes: QueueLanes = { rows: new Map(), groups: new Map(), shares: new Map(), lost: undefined };
    this.#queues.set(queue, lanes);
    type Counted = Pick<LaneRow, "priority" | "tenant" | "labels"> & { lanes: number };
    for (const counted of this.#sql.all<Counted>("openLanes", { queue })) {
      add(lanes.shares, shareName(counted), counted.lanes);
      this.#countGroup(lanes.groups, counted, counted.lanes);
    }
    return lanes;
  }
}

function shareName({ priority, tenant }: Pick<LaneRow, "priority" | "tenant">): string {
  return priority + tenant;
}

function groupName({ priority, labels }: Pick<LaneRow, "priority" | "labels">): string {
  return priority + labels;
}

function add(counts: Map<string, number>, name: string, by: number): void {
  const count = (counts.get(name) ?? 0) + by;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
