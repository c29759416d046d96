/** docs/architecture.md names exactly the RPCs that answer UNIMPLEMENTED: each method is called, with nothing in it. */
import { readFileSync } from "node:fs";
import type { MethodDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentServiceService } from "../../gen/grpc/agentmesh/v1/agent.ts";
import { TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkerServiceService } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { WorkflowServiceService } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { MeshError } from "../../src/core/errors.ts";
import orchestrator from "../../src/roles/orchestrator/index.ts";
import type { Connection } from "../../src/rpc/connection.ts";
import { workflowServices } from "../../src/workflow/service.ts";
import { TestMesh } from "../support/mesh.ts";

let mesh: TestMesh;
let connection: Connection;
beforeAll(async () => {
  mesh = await TestMesh.start({ roles: [orchestrator], more: workflowServices });
  connection = mesh.connection();
});
afterAll(() => mesh.close());

type Method = MethodDefinition<unknown, unknown>;

/** The reason of the call's error, or undefined where it is answered. */
async function reasonOf(method: Method): Promise<string | undefined> {
  // An empty message, whatever its type: every field is unset.
  const empty = { ...method, requestSerialize: () => Buffer.alloc(0) } as Method;
  try {
    if (!method.responseStream) await connection.unary(empty, {}, { timeoutMs: 5_000 });
    else if (!method.requestStream)
      for await (const _ of connection.serverStream(empty, {}, { timeoutMs: 5_000 })) break;
    else {
      const call = connection.bidi(empty, { timeoutMs: 5_000 });
      void call.send({});
      call.end();
      for await (const _ of call.responses) break;
      call.cancel();
    }
    return undefined;
  } catch (error) {
    if (error instanceof MeshError) return error.reason;
    throw error;
  }
}

test("the page and the servers agree", async () => {
  const page = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
  const section = /## What is in the contract and not served yet\n(.*?)\nThese fields/s.exec(page)?.[1] ?? "";
  const named = new Set(section.match(/\b[A-Z][a-z]+(?:[A-Z][a-z]+)*\b/g));
  const services = [AgentServiceService, TaskServiceService, WorkerServiceService, WorkflowServiceService];
  const unserved: string[] = [];
  for (const service of services)
    for (const method of Object.values(service) as unknown as Method[]) {
      const rpc = method.path.split("/")[2] ?? "";
      const isUnserved = (await reasonOf(method)) === "NOT_YET_SUPPORTED";
      if (isUnserved) unserved.push(rpc);
      expect(named.has(rpc), `${method.path} is ${isUnserved ? "not served" : "served"}`).toBe(isUnserved);
    }
  expect(unserved.length).toBeGreaterThan(0);
});
