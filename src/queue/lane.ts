/**
 * In what order a queue's tasks are handed out. Pure; both stores follow it and the model that tests them calls it.
 *
 * QUEUED tasks that are alike to whoever hands them out (of one priority, tenant, concurrency key and set of worker labels)
 * wait in one lane, first come, first served. Each task handed out is one turn:
 *
 * - The highest priority that has an open lane is served, but each 16th turn goes to the lower ones, in rotation, so that
 *   none starves: where lower priorities wait, they share a sixteenth of all turns.
 * - Within a priority the lane with the least pass is served, and its pass grows by its stride. A tenant's lanes together move
 *   as one lane would, and twice the weight is half the stride: tenants get turns in proportion to their weights.
 * - A lane that was empty begins at the pass of the lane served last, so that idleness earns nothing.
 *
 * A lane is open to a worker when the worker has its labels and neither a cap nor a rate holds it back.
 */

export interface LaneKey {
  /** 0–9. */
  readonly priority: number;
  readonly tenant: string;
  /** Empty: none. */
  readonly concurrencyKey: string;
  readonly workerLabels: Readonly<Record<string, string>>;
}

/** Each turn of this number goes to the priorities below the highest. */
export const lowerTurnEvery = 16;
/** The stride of a tenant of weight 1 with one lane. */
export const strideUnit = 4_096;

const tenantPlain = "default";
/** Fields are bare of control characters, so these part them. */
const fieldMark = "\u001f";
const labelMark = "\u001e";

/** What makes lanes of tasks: equal names, equal lanes. A plain task's is its priority's digit. */
export function laneName({ priority, tenant, concurrencyKey, workerLabels }: LaneKey): string {
  const labels = labelsName(workerLabels);
  if (tenant === tenantPlain && concurrencyKey === "" && labels === "") return String(priority);
  return [priority, tenant, concurrencyKey, labels].join(fieldMark);
}

export function laneOf(name: string): LaneKey {
  const [priority, tenant = tenantPlain, concurrencyKey = "", labels = ""] = name.split(fieldMark);
  return { priority: Number(priority), tenant, concurrencyKey, workerLabels: labelsOf(labels) };
}

/** Labels in one text: sorted, so that equal sets have equal names. */
export function labelsName(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(labelMark);
}

export function labelsOf(name: string): Record<string, string> {
  if (name === "") return {};
  return Object.fromEntries(
    name.split(labelMark).map((label) => {
      const equals = label.indexOf("=");
      return [label.slice(0, equals), label.slice(equals + 1)];
    }),
  );
}

/** Whether a worker has all that a task asks for. */
export function hasLabels(
  worker: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => worker[name] === value);
}

/** How far a lane's pass moves a turn. `lanes`: the tenant's lanes with tasks at this priority. */
export function strideOf(weight: number, lanes: number): number {
  return Math.max(1, Math.round((strideUnit * lanes) / weight));
}

/** An open lane. */
export interface OpenLane {
  readonly name: string;
  readonly priority: number;
  readonly pass: number;
}

/** The lane that has the next turn. `turn`: turns before this one. */
export function nextLane<Lane extends OpenLane>(open: readonly Lane[], turn: number): Lane | undefined {
  const priorities = [...new Set(open.map((lane) => lane.priority))].sort((a, b) => b - a);
  const lower = priorities.length - 1;
  const isLowerTurn = lower > 0 && turn % lowerTurnEvery === lowerTurnEvery - 1;
  const place = isLowerTurn ? 1 + (Math.floor(turn / lowerTurnEvery) % lower) : 0;
  return open
    .filter((lane) => lane.priority === priorities[place])
    .reduce<Lane | undefined>(
      (best, lane) => (best === undefined || comesBefore(lane, best) ? lane : best),
      undefined,
    );
}

function comesBefore(one: OpenLane, other: OpenLane): boolean {
  return one.pass !== other.pass ? one.pass < other.pass : one.name < other.name;
}
