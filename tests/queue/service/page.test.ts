import { expect, test } from "vitest";
import { Task, TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { limits } from "../../../src/core/limits.ts";
import type { Queue } from "../../../src/queue/queue.ts";
import { pageOf } from "../../../src/queue/service/page.ts";
import type { ListQuery, TaskRecord } from "../../../src/queue/store.ts";

/** A queue of `count` tasks whose specs have about `bytes` bytes each. */
function listing(count: number, bytes: number): Queue {
  const spec = TaskSpec.encode(TaskSpec.fromPartial({ title: "x".repeat(bytes) })).finish();
  const counts = { attempt: 0, fence: 0, generation: 1, lastSequence: 0, parentsPending: 0, createdMs: 0 };
  const same = { spec, state: "BLOCKED", usage: { tokens: 0, usd: 0 }, ...counts };
  const records = Array.from({ length: count }, (_, index) => ({ id: `one.${index}`, ...same }));
  const list = async ({ limit, cursor = "0" }: ListQuery) => {
    const end = Number(cursor) + limit;
    const tasks = records.slice(Number(cursor), end) as unknown as TaskRecord[];
    return end < count ? { tasks, cursor: String(end) } : { tasks };
  };
  return { list } as unknown as Queue;
}

test("a page of large specs is short, and the next goes on where it ended", async () => {
  const queue = listing(100, 250_000);
  const ids: string[] = [];
  let pages = 0;
  let cursor: string | undefined;
  do {
    const { tasks, nextPageToken } = await pageOf(queue, { limit: 500, cursor });
    const bytes = tasks.reduce((sum, task) => sum + Task.encode(task).finish().length, 0);
    expect(bytes).toBeLessThanOrEqual(limits.pageBytesMax);
    ids.push(...tasks.map(({ id }) => id));
    cursor = nextPageToken || undefined;
    pages++;
  } while (cursor !== undefined);
  expect(ids).toEqual(Array.from({ length: 100 }, (_, index) => `one.${index}`));
  expect(pages).toBe(7);
});

test("a task that is over a page by itself is a page", async () => {
  const { tasks, nextPageToken } = await pageOf(listing(2, 5_000_000), { limit: 50 });
  expect(tasks).toHaveLength(1);
  expect(nextPageToken).toBe("1");
});
