import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { expect, onTestFinished, test } from "vitest";
import { errorOf } from "../support/mesh.ts";
import { serveTasks } from "./kit.ts";

type Ask = { service: string };
type Answer = { status: string };
const { Check, Watch } = healthService as unknown as Record<"Check" | "Watch", MethodDefinition<Ask, Answer>>;

function check(client: Client, service: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = Check;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
      error ? reject(error) : resolve(answer?.status ?? ""),
    );
  });
}

function healthClient(address: string): Client {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

test("health is told for the server and for each of its services", async () => {
  const { server, address } = await serveTasks({});
  const client = healthClient(address);
  const services = ["", "agentmesh.v1.TaskService"];
  for (const service of services) expect(await check(client, service)).toBe("SERVING");
  server.setServing(false);
  for (const service of services) expect(await check(client, service)).toBe("NOT_SERVING");
  await expect(check(client, "agentmesh.v1.NoService")).rejects.toMatchObject({ code: 5 });
});

test("a watcher of health is told of each change", async () => {
  const { server, address } = await serveTasks({});
  const { path, requestSerialize, responseDeserialize } = Watch;
  const call = healthClient(address).makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
    service: "agentmesh.v1.TaskService",
  });
  call.on("error", () => {});
  const answers = call[Symbol.asyncIterator]();
  expect((await answers.next()).value).toMatchObject({ status: "SERVING" });
  server.setServing(false);
  expect((await answers.next()).value).toMatchObject({ status: "NOT_SERVING" });
  call.cancel();
  await errorOf(answers.next()).catch(() => {});
});
