/** Refuses what an older version has laid out in another way: its tasks would seem to be gone. */
import { MeshError } from "../../core/errors.ts";
import { allOf, type Calls } from "./calls.ts";
import { queueNames } from "./read.ts";

/** Of the hash of a queue's numbers, as long as each of them was a field. */
const olderField = "number";

/** Rejects with INVALID_CONFIG where a queue has the older layout. */
export async function checkLayout(calls: Calls): Promise<void> {
  const { connection, keys } = calls;
  await allOf(
    (await queueNames(calls)).map(async (queue) => {
      const isOlder = (await connection.call("HEXISTS", keys.field(queue, "q"), olderField)) === 1;
      if (!isOlder) return;
      throw new MeshError(
        "INVALID_CONFIG",
        `the queue "${queue}" in Redis at ${connection.address} was written by an older agentmesh, whose layout this one does ` +
          `not read: let that one finish its tasks, then delete its keys (${keys.queue(queue)}*), or use another database`,
      );
    }),
  );
}
