/** Reflection, asked by a client of Go's: it checks descriptors where JavaScript's do not. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ListQueuesResponse } from "../../gen/grpc/agentmesh/v1/task.ts";
import { serveTasks } from "./kit.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** buf's own words on stdout; it needs no network but the server's. */
async function bufCurl(...args: string[]): Promise<string> {
  const plain = ["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
  const { stdout } = await run(join(root, "node_modules/.bin/buf"), [...plain, ...args], { cwd: root });
  return stdout;
}

test("lists the services that are there, and health", async () => {
  const { address } = await serveTasks({});
  const listed = (await bufCurl("--list-services", `http://${address}`)).trim().split("\n");
  expect(listed.sort()).toEqual(["agentmesh.v1.TaskService", "grpc.health.v1.Health"]);
});

test("describes a method and its messages, so that it can be called without the proto files", async () => {
  let asked: unknown;
  const { address } = await serveTasks({
    listQueues: async (request) => {
      asked = request;
      return ListQueuesResponse.fromPartial({ queues: [{ role: "testing", paused: true }] });
    },
    submitTask: async (request) => {
      asked = request;
      return { task: undefined, existing: true };
    },
  });
  const queues = await bufCurl(
    `http://${address}/agentmesh.v1.TaskService/ListQueues`,
    "-d",
    '{"roles":["a"]}',
  );
  expect(JSON.parse(queues)).toMatchObject({ queues: [{ role: "testing", paused: true }] });
  expect(asked).toEqual({ roles: ["a"] });
  const spec = {
    role: "testing",
    priority: 0,
    input: { json: { deep: { list: [1, "two", null] } } },
    labels: { team: "red" },
    delay: "1.500s",
  };
  const data = JSON.stringify({ spec });
  await bufCurl(`http://${address}/agentmesh.v1.TaskService/SubmitTask`, "-d", data);
  expect(asked).toMatchObject({
    spec: {
      role: "testing",
      priority: 0,
      input: { body: { $case: "json", value: { deep: { list: [1, "two", null] } } } },
      labels: { team: "red" },
      delay: { seconds: 1, nanos: 500_000_000 },
    },
  });
});

test("describes health", async () => {
  const { address } = await serveTasks({});
  const answer = await bufCurl(`http://${address}/grpc.health.v1.Health/List`, "-d", "{}");
  expect(JSON.parse(answer).statuses[""]).toEqual({ status: "SERVING" });
});

test("tells of a symbol that is not there", async () => {
  const { address } = await serveTasks({});
  const call = bufCurl(`http://${address}/agentmesh.v1.NoService/Get`, "-d", "{}");
  await expect(call).rejects.toThrow(/NoService/);
});
