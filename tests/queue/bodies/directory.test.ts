import { execFile } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { directoryBodies } from "../../../src/queue/bodies/directory.ts";
import { allNames, bodiesContract } from "../../contract/bodies.ts";
import { errorOf } from "../../support/mesh.ts";
import { temporaryDirectory } from "../../support/sqlite.ts";

bodiesContract("directory", async () => {
  const directory = temporaryDirectory();
  return {
    bodies: directoryBodies(directory),
    second: () => directoryBodies(directory),
    close: () => rm(directory, { recursive: true }),
  };
});

function ownDirectory(): string {
  const directory = temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("what a crash left half written is listed and can be deleted, and is no body", async () => {
  const directory = ownDirectory();
  const bodies = directoryBodies(directory);
  await bodies.put("line.a.input.0000000000000000000aa", Buffer.from("whole"));
  const [shard = ""] = await readdir(directory);
  const part = "line.a.input.0000000000000000000aa.part";
  await writeFile(join(directory, shard, part), "hal");
  expect(await allNames(bodies)).toContain(part);
  await bodies.delete([part]);
  expect(await allNames(bodies)).toEqual(["line.a.input.0000000000000000000aa"]);
});

test("a directory that is away is STORE_UNAVAILABLE in every call: nothing is taken for lost", async () => {
  const bodies = directoryBodies(join(ownDirectory(), "away"));
  for (const call of [
    () => bodies.put("a.b", Buffer.from("x")),
    () => bodies.get("a.b"),
    () => bodies.ping(),
    () => bodies.list({ limit: 1 }),
  ])
    expect((await errorOf(call())).reason).toBe("STORE_UNAVAILABLE");
});

test("a name that leads elsewhere is not there", async () => {
  const directory = ownDirectory();
  await mkdir(join(directory, "ab"));
  expect(await directoryBodies(directory).get("ab")).toBeUndefined();
});

test("a disk without room is STORE_FULL, and nothing of the body is left", async () => {
  const directory = ownDirectory();
  const script = fileURLToPath(new URL("./fill.ts", import.meta.url));
  const command = `ulimit -f 200; exec '${process.execPath}' '${script}' '${directory}'`;
  const { stdout } = await promisify(execFile)("bash", ["-c", command]);
  expect(stdout.trim().split("\n")).toEqual(["small: put", "large: STORE_FULL", "small again: put"]);
  expect((await allNames(directoryBodies(directory))).sort()).toEqual(["small", "small-again"]);
});
