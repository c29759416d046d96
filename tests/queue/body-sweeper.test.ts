import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { uniqueId } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/core/log.ts";
import { directoryBodies } from "../../src/queue/bodies/directory.ts";
import { bodyName, ownerOf } from "../../src/queue/bodies.ts";
import { BodySweeper } from "../../src/queue/body-sweeper.ts";
import { allNames } from "../contract/bodies.ts";
import { ManualClock, openAt, temporaryDirectory } from "../support/sqlite.ts";
import { newTask } from "../support/tasks.ts";

const dayMs = 24 * 3_600_000;

async function openSwept() {
  const directory = temporaryDirectory();
  const clock = new ManualClock();
  await mkdir(join(directory, "blobs"));
  const store = await openAt(directory);
  const bodies = directoryBodies(join(directory, "blobs"));
  const getAll = async (ids: readonly string[]) => [...(await store.get(ids))];
  const sweeper = new BodySweeper({ bodies, queue: { getAll }, clock, log: silentLogger });
  onTestFinished(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  const put = async (taskId: string) => {
    const name = bodyName({ taskId, kind: "input" }, uniqueId(clock.now()));
    await bodies.put(name, Buffer.from("body"));
    return name;
  };
  return { clock, store, bodies, sweeper, put };
}

test("what no task carries goes once it is a day old; what one carries stays for ever", async () => {
  const { clock, store, bodies, sweeper, put } = await openSwept();
  const task = newTask("echo");
  const carried = await put(task.id);
  const replaced = await put(task.id);
  const orphan = await put("echo.gone");
  await store.submit([{ ...task, spec: Buffer.from(`…${bodies.uriOf(carried)}…`) }]);
  await bodies.put("upload.json", Buffer.from("{}"));
  clock.advance(dayMs - 1);
  expect((await sweeper.sweepPage()).deleted).toBe(0);
  clock.advance(1);
  expect((await sweeper.sweepPage()).deleted).toBe(2);
  expect((await allNames(bodies)).sort()).toEqual([carried, "upload.json"].sort());
  clock.advance(400 * dayMs);
  expect((await sweeper.sweepPage()).deleted).toBe(0);
  expect([replaced, orphan].every((name) => ownerOf(name) !== undefined)).toBe(true);
});

test("a part that a crash left is an orphan too, and the store that cannot be read deletes nothing", async () => {
  const { clock, store, bodies, sweeper, put } = await openSwept();
  const name = await put("echo.gone");
  await bodies.put(`${name}.part`, Buffer.from("bo"));
  clock.advance(dayMs);
  const { get } = store;
  store.get = () => Promise.reject(new Error("away"));
  await expect(sweeper.sweepPage()).rejects.toThrow("away");
  expect(await allNames(bodies)).toHaveLength(2);
  store.get = get;
  expect((await sweeper.sweepPage()).deleted).toBe(2);
});

test("a server killed between the body and its task leaves a body and no task; the sweep deletes it", {
  timeout: 60_000,
}, async () => {
  const directory = temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  const script = fileURLToPath(new URL("./bodies/child.ts", import.meta.url));
  const child = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const store = await openAt(directory);
  onTestFinished(() => store.close());
  const bodies = directoryBodies(directory);
  const [name = ""] = await allNames(bodies);
  const { taskId } = ownerOf(name) ?? { taskId: "" };
  expect(taskId).toMatch(/^echo\./);
  expect(await store.get([taskId])).toEqual([undefined]);
  const clock = new ManualClock();
  clock.timeMs = Number.MAX_SAFE_INTEGER;
  const getAll = async (ids: readonly string[]) => [...(await store.get(ids))];
  const sweeper = new BodySweeper({ bodies, queue: { getAll }, clock, log: silentLogger });
  expect(await sweeper.sweepPage()).toEqual({ deleted: 1, isLast: true });
  expect(await allNames(bodies)).toEqual([]);
});
