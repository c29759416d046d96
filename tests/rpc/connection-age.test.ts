/** Connections that grow too old: their clients turn to another, and neither a call nor a watch is lost by it. */
import { expect, onTestFinished, test } from "vitest";
import { Task, TaskServiceService, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { aborted } from "../../src/core/aborted.ts";
import { silentLogger } from "../../src/core/log.ts";
import { startGrpcServer } from "../../src/rpc/server.ts";
import { Gate } from "../support/mesh.ts";
import { logged } from "./kit.ts";

/** Watches say one line more on each server, and end when the gate opens; gets count the connections they came by. */
async function startAging(end: Gate) {
  const peers = new Set<string>();
  const watched = { streams: 0, passed: new Gate() };
  const handlers = {
    getTask: async (_request: object, { peer }: { peer: string }) => {
      peers.add(peer);
      return { task: undefined };
    },
    async *watchTask({ fromSequence }: { fromSequence: number }, { signal }: { signal: AbortSignal }) {
      watched.streams++;
      yield logged(fromSequence);
      await Promise.race([end.pass(), aborted(signal)]);
      if (!signal.aborted)
        yield {
          event: {
            $case: "final" as const,
            value: Task.fromPartial({ id: "a.0", state: TaskState.SUCCEEDED }),
          },
        };
    },
  };
  const server = await startGrpcServer({
    host: "127.0.0.1",
    port: 0,
    portSetting: "server.grpcPort",
    services: [{ name: "agentmesh.v1.TaskService", definition: TaskServiceService, handlers }],
    connectionAge: { ageMs: 200, graceMs: 100 },
    log: silentLogger,
    observe: () => {},
  });
  onTestFinished(() => server.drain(0));
  const mesh = new MeshClient({ server: `127.0.0.1:${server.port}` });
  onTestFinished(() => mesh.close());
  return { mesh, peers, watched };
}

test("calls go on over new connections, and none fails", async () => {
  const { mesh, peers } = await startAging(new Gate());
  while (peers.size < 5) await Promise.all(Array.from({ length: 8 }, () => mesh.get("a.0")));
});

test("a watch is cut after the grace, and taken up where it was", async () => {
  const end = new Gate();
  const { mesh, watched } = await startAging(end);
  const sequences: number[] = [];
  for await (const { event } of mesh.watch("a.0")) {
    if (event?.$case === "entry") sequences.push(event.value.sequence);
    if (watched.streams === 3) end.open();
  }
  expect(sequences).toEqual([1, 2, 3]);
});
