/** The part of the audit that looks at lanes: who waits where, which lanes are open, and how a tenant's are counted. */
import { labelsName, laneOf } from "../../../src/queue/lane.ts";
import type { Audit } from "./audit.ts";

const mark = "\u001f";
const passes = 2 ** 49;

export async function auditLanes(audited: Audit): Promise<void> {
  await auditPlaces(audited);
  await auditOrder(audited);
}

/** Every QUEUED task is mentioned once, at its place in its lane; what else is mentioned is stale, and counted. */
async function auditPlaces(audited: Audit): Promise<void> {
  const { keys, heads } = audited;
  const found: string[] = [];
  let stale = 0;
  for (const lane of await keys.fields("Q")) {
    const { mentions, saysMore, hasMore } = await keys.lane(lane);
    audited.same(`more of the lane ${lane}`, [String(saysMore)], [String(hasMore)]);
    const waiting = mentions.map(({ unique, place, chunk, slot }) => {
      const head = heads.get(unique);
      const isHere = chunk === undefined || (head?.chunk === chunk && head.slot === slot);
      return head?.state === "QUEUED" && head.place === place && isHere && audited.laneOf(head) === lane;
    });
    if (waiting[0] !== true) audited.faults.push(`the lane ${lane} does not begin with a task that waits`);
    mentions.forEach(({ unique }, nth) => {
      if (waiting[nth]) found.push(unique);
      else stale += 1;
    });
  }
  const queued = audited.within("QUEUED").map(({ unique }) => unique);
  audited.same("the lanes", found, queued);
  audited.same("stale mentions", [String((await keys.numbers()).stale)], [String(stale)]);
}

/** A lane with tasks is open in the set of its labels, or held back by its key; nothing else is. */
async function auditOrder(audited: Audit): Promise<void> {
  const { keys } = audited;
  const labels = await keys.members("Y");
  audited.same("sets of lanes with labels", keys.names("R"), labels);
  const open = new Map<string, string>();
  for (const set of ["", ...labels])
    for (const [lane, score] of await keys.scores(set === "" ? "R" : `R:${set}`)) {
      open.set(lane, set);
      const priority = 9 - Math.floor(score / passes);
      audited.same(`the order of ${lane}`, [String(priority), set], orderOf(lane));
    }
  const parked = await keys.fields("B");
  audited.same("open and parked lanes", [...open.keys(), ...parked], await keys.fields("Q"));
  const listed = new Set(await keys.fields("Q"));
  audited.same(
    "lists of no lane",
    keys.names("Q").filter((lane) => !listed.has(lane)),
    [],
  );
  const keyed = [...open.keys()].filter((lane) => laneOf(lane).concurrencyKey !== "");
  audited.same("open lanes by key", await lanesOfKeys(audited, "N"), keyed.map(withKey));
  audited.same("lanes parked by key", await lanesOfKeys(audited, "B"), parked.map(withKey));
  const tenants = new Map<string, number>();
  for (const lane of open.keys()) {
    const { priority, tenant, concurrencyKey, workerLabels } = laneOf(lane);
    if (concurrencyKey === "" && labelsName(workerLabels) === "") continue;
    const field = `${priority}${mark}${tenant}`;
    tenants.set(field, (tenants.get(field) ?? 0) + 1);
  }
  const wanted = Array.from(tenants, ([field, count]) => `${field}=${count}`);
  const counted = Object.entries(await keys.hash("T")).map(([field, count]) => `${field}=${count}`);
  audited.same("lanes of tenants", counted, wanted);
  const several = [...tenants.values()].reduce((sum, count) => sum + count, 0);
  audited.same("lanes beside the plain ones", [String((await keys.numbers()).multi)], [String(several)]);
}

/** `KEY=LANE` of each lane that the sets of a kind name. */
async function lanesOfKeys({ keys }: Audit, kind: "N" | "B"): Promise<string[]> {
  const named = keys.names(kind).map(async (key) => {
    const lanes = await keys.members(`${kind}:${key}`);
    return lanes.map((lane) => `${key}=${lane}`);
  });
  return (await Promise.all(named)).flat();
}

function withKey(lane: string): string {
  return `${laneOf(lane).concurrencyKey}=${lane}`;
}

function orderOf(lane: string): [string, string] {
  const { priority, workerLabels } = laneOf(lane);
  return [String(priority), labelsName(workerLabels)];
}
