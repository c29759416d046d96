import { expect, test } from "vitest";
import { createMetrics } from "../../src/telemetry/metrics.ts";

async function lines(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  return (await metrics.scrape()).body.split("\n");
}

test("what happened is counted under its labels", async () => {
  const metrics = createMetrics({ processMetrics: false });
  metrics.rpcHandled("agentmesh.v1.TaskService", "SubmitTask", "OK", 0.002);
  metrics.tasksSubmitted("testing", 3);
  metrics.taskLeased("testing", 0.5);
  metrics.taskFinished("testing", "SUCCEEDED", 2);
  metrics.leasesExpired(1);
  metrics.storeCalled("submit", 3, 0.001);
  metrics.workerConnected("testing");
  metrics.workerConnected("testing");
  metrics.workerLeft("testing");
  const text = await lines(metrics);
  expect(text).toContain(
    'agentmesh_rpc_handled_total{service="agentmesh.v1.TaskService",method="SubmitTask",code="OK"} 1',
  );
  expect(text).toContain('agentmesh_tasks_submitted_total{queue="testing"} 3');
  expect(text).toContain('agentmesh_task_wait_seconds_sum{queue="testing"} 0.5');
  expect(text).toContain('agentmesh_tasks_finished_total{queue="testing",state="SUCCEEDED"} 1');
  expect(text).toContain("agentmesh_leases_expired_total 1");
  expect(text).toContain('agentmesh_store_batch_items_bucket{le="4",method="submit"} 1');
  expect(text).toContain('agentmesh_workers_connected{queue="testing"} 1');
});

test("queues are asked for once at each scrape, and a queue that is gone is gone", async () => {
  const sample = { queue: "testing", tasks: { QUEUED: 4, RUNNING: 1 }, oldestWaitSeconds: 2.5, paused: true };
  const answers = [[sample], []];
  const metrics = createMetrics({ processMetrics: false, queues: async () => answers.shift() ?? [] });
  const told = [
    'agentmesh_queue_tasks{queue="testing",state="QUEUED"} 4',
    'agentmesh_queue_tasks{queue="testing",state="RUNNING"} 1',
    'agentmesh_queue_oldest_wait_seconds{queue="testing"} 2.5',
    'agentmesh_queue_paused{queue="testing"} 1',
  ];
  expect(await lines(metrics)).toEqual(expect.arrayContaining(told));
  const after = await lines(metrics);
  expect(told.filter((line) => after.includes(line))).toEqual([]);
});

test("a store that does not answer leaves the rest of the scrape whole", async () => {
  const metrics = createMetrics({
    processMetrics: false,
    queues: () => Promise.reject(new Error("down")),
  });
  metrics.tasksSubmitted("testing", 1);
  expect(await lines(metrics)).toContain('agentmesh_tasks_submitted_total{queue="testing"} 1');
});

test("two registries count apart", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.tasksSubmitted("testing", 1);
  expect((await other.scrape()).body).not.toContain("testing");
});

test("every metric has the prefix and a help text", async () => {
  for (const { name, help } of await createMetrics().describe()) {
    expect(name).toMatch(/^agentmesh_[a-z0-9_]+$/);
    expect(help.length).toBeGreaterThan(10);
  }
});
