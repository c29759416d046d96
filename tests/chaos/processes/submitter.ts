/**
 * A process that submits its tasks, batch after batch, over a stream that it opens again wherever it breaks:
 * `submitter.ts NAME HISTORIES TASKS BATCH TASKS_A_SECOND ADDRESS…`. HISTORIES is the directory of the histories; what earlier
 * processes of the name have an answer to is not submitted again, everything else is, under the same keys. Ends with 0 once
 * every task has an answer.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  type SubmitResult,
  type SubmitStreamRequest,
  type SubmitStreamResponse,
  TaskServiceService,
  TaskSpec,
  TaskState,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshClient } from "../../../src/client/mesh-client.ts";
import { MeshError } from "../../../src/core/errors.ts";
import { toPayload } from "../../../src/core/payload.ts";
import { type BidiCall, Connection } from "../../../src/rpc/connection.ts";
import { HistoryFile, readHistory, type SubmitAnswer } from "../history.ts";
import { type PlannedTask, plannedBatch, roleNames } from "../workload.ts";

const [name, histories, ...rest] = process.argv.slice(2) as [string, string, ...string[]];
const [tasks, batchSize, tasksASecond] = rest.slice(0, 3).map(Number) as [number, number, number];
const addresses = rest.slice(3);

/** Batches that are under way on one stream. */
const underWayMax = 4;
/** A stream whose answer does not come within this is given up. */
const answerMsMax = 5_000;
/** Reasons that say nothing of whether the task was taken. */
const unknown: ReadonlySet<string> = new Set(["STORE_UNAVAILABLE", "INTERNAL", "SERVER_DRAINING"]);
/** A parent may be unknown since its own outcome is; after so many refusals it is a fault. */
const refusalsMax = 20;

const settled = new Set<string>();
const refusals = new Map<string, number>();
const earlier = readdirSync(histories)
  .filter((file) => file.startsWith(`${name}.`))
  .sort((a, b) => Number(a.split(".")[1]) - Number(b.split(".")[1]));
for (const file of earlier)
  for (const event of await readHistory(join(histories, file)))
    if (event.what === "submitAnswered")
      for (const { key, taskId } of event.answers) if (taskId !== "") settled.add(key);
const history = new HistoryFile(join(histories, `${name}.${earlier.length}`));

interface Batch {
  readonly id: number;
  readonly tasks: readonly PlannedTask[];
}

const batches: Batch[] = [];
for (let from = 0; from < tasks; from += batchSize) {
  const planned = plannedBatch(name, from, Math.min(batchSize, tasks - from));
  if (planned.some(({ key }) => !settled.has(key))) batches.push({ id: from, tasks: planned });
}

const specOf = ({ role, input, idempotencyKey, attemptsMax, dependencies = [] }: PlannedTask): TaskSpec =>
  TaskSpec.fromPartial({
    role,
    input: toPayload(input) as never,
    idempotencyKey,
    retry: { attemptsMax },
    dependencies: dependencies as never,
  });

let turn = earlier.length;
while (batches.length > 0) {
  const address = addresses[turn++ % addresses.length] as string;
  const connection = new Connection(address);
  const client = new MeshClient({ server: address, timeoutMs: answerMsMax });
  await stream(connection, client).catch(() => {});
  connection.close();
  client.close();
  if (batches.length > 0) await pause(100);
}
process.exit(0);

/** Submits until all is answered, or the stream breaks; what was under way then is unknown, and is left to do. */
async function stream(connection: Connection, client: MeshClient): Promise<void> {
  const call: BidiCall<SubmitStreamRequest, SubmitStreamResponse> = connection.bidi(
    TaskServiceService.submitStream,
    { timeoutMs: 60_000 },
  );
  const watchdog = setTimeout(() => call.cancel(), answerMsMax);
  const underWay: Batch[] = [];
  const broken = new AbortController();
  let reason = "";
  try {
    void send(call, underWay, broken.signal).catch(() => call.cancel());
    for await (const { results } of call.responses) {
      watchdog.refresh();
      const batch = underWay.shift() as Batch;
      if (answered(batch, results)) await cancelOne(client, batch);
      else batches.push(batch);
    }
  } catch (error) {
    reason = MeshError.from(error).reason;
  } finally {
    broken.abort();
    clearTimeout(watchdog);
    for (const { tasks } of underWay)
      history.add({ what: "submitUnknown", keys: tasks.map(({ key }) => key), reason });
    batches.unshift(...underWay);
  }
}

/** Sends batches at their pace, a few ahead of the answers, until none is left. */
async function send(
  call: BidiCall<SubmitStreamRequest, SubmitStreamResponse>,
  underWay: Batch[],
  broken: AbortSignal,
): Promise<void> {
  const eachMs = (batchSize / tasksASecond) * 1_000;
  let nextAt = performance.now();
  while (!broken.aborted && batches.length + underWay.length > 0) {
    const waitMs = nextAt - performance.now();
    if (waitMs > 0 || underWay.length >= underWayMax || batches.length === 0) {
      await pause(Math.max(5, Math.min(waitMs, 100)));
      continue;
    }
    nextAt = Math.max(nextAt + eachMs, performance.now() - eachMs * underWayMax);
    const batch = batches.shift() as Batch;
    underWay.push(batch);
    history.add({ what: "submitTried", keys: batch.tasks.map(({ key }) => key) });
    await call.send({ batchId: batch.id, specs: batch.tasks.map(specOf) });
  }
  call.end();
}

/** Writes down what became of a batch; true when there is nothing left to ask. */
function answered({ tasks }: Batch, results: readonly SubmitResult[]): boolean {
  const answers: SubmitAnswer[] = [];
  const lost: string[] = [];
  let isSettled = true;
  for (const [place, { taskId, existing, refusal }] of results.entries()) {
    const { key } = tasks[place] as PlannedTask;
    const isUnknown = refusal !== undefined && unknown.has(refusal.reason);
    if (isUnknown) lost.push(key);
    else answers.push({ key, taskId, existing, refusal: refusal?.reason });
    if (refusal === undefined) continue;
    if (!isUnknown) refusals.set(key, (refusals.get(key) ?? 0) + 1);
    if ((refusals.get(key) ?? 0) < refusalsMax) isSettled = false;
  }
  if (answers.length > 0) history.add({ what: "submitAnswered", answers });
  if (lost.length > 0) history.add({ what: "submitUnknown", keys: lost, reason: "refused" });
  return isSettled;
}

/** Cancels a slow task of about every second batch, wherever it is by now. */
async function cancelOne(client: MeshClient, { id, tasks }: Batch): Promise<void> {
  if ((id / batchSize) % 2 === 1) return;
  const slow = tasks.find(({ role }) => role === roleNames.slow);
  if (slow === undefined) return;
  history.add({ what: "cancelTried", taskId: slow.taskId });
  try {
    const { state } = await client.cancel(slow.taskId, "chance");
    history.add({ what: "cancelAnswered", taskId: slow.taskId, canceled: state === TaskState.CANCELED });
  } catch {
    // Whether it took effect is unknown: both are sound.
  }
}
