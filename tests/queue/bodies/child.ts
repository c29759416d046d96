/** A server that dies between the writing of a body and that of its task: `node child.ts DATA_DIR`. */

import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/log.ts";
import { encodePayload, toPayload } from "../../../src/core/payload.ts";
import { directoryBodies } from "../../../src/queue/bodies/directory.ts";
import { silentObserver } from "../../../src/queue/observer.ts";
import { Offload } from "../../../src/queue/offload.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { submitOffloaded } from "../../../src/queue/service/offloaded.ts";
import { openAt } from "../../support/sqlite.ts";
import { newTask } from "../../support/tasks.ts";

const directory = process.argv[2] as string;
const store = await openAt(directory);
store.submit = () => {
  process.stdout.write("asked\n");
  return new Promise(() => {});
};
const parts = { clock: systemClock, log: silentLogger };
const queue = new Queue({ ...parts, store, observer: silentObserver });
const sizes = { offloadBytes: 1_000, payloadBytesMax: 1_000, bodyBytesMax: 1_048_576 };
const offload = new Offload({ ...parts, ...sizes, bodies: directoryBodies(directory) });
const input = toPayload({ text: "x".repeat(100_000) });
encodePayload("input", input);
const spec = TaskSpec.encode(TaskSpec.fromPartial({ role: "echo", input })).finish();
// It lives until it is killed.
setInterval(() => {}, 60_000);
await submitOffloaded(queue, offload, [newTask("echo", { spec })]);
