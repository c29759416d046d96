import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { openAt } from "../../support/sqlite.ts";
import { getOne } from "../../support/tasks.ts";
import { testDirectory } from "./directory.ts";

const script = fileURLToPath(new URL("./child.ts", import.meta.url));

function start(dataDir: string, role: string, shell = ""): ChildProcess {
  const command = `${shell} exec '${process.execPath}' '${script}' '${dataDir}' ${role}`;
  const child = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const lines = (child: ChildProcess) => createInterface({ input: child.stdout! });

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

describe("one owner", () => {
  test("a second process is told who the owner is; the lock goes with the owner, killed or not", async () => {
    const dataDir = testDirectory();
    const owner = start(dataDir, "hold");
    const [line] = (await once(lines(owner), "line")) as [string];
    const pid = line.split(" ")[1]!;
    await expect(openAt(dataDir)).rejects.toMatchObject({ reason: "STORE_IN_USE", metadata: { pid } });
    await expect(openAt(dataDir)).rejects.toThrow(`process ${pid}`);
    await kill(owner);
    const store = await openAt(dataDir);
    await store.ping();
    await expect(openAt(dataDir), "in one process too").rejects.toThrow(`process ${process.pid}`);
    await store.close();
    await (await openAt(dataDir)).close();
  });

  test("a pid that someone left behind does not matter", async () => {
    const dataDir = testDirectory();
    writeFileSync(join(dataDir, "mesh.db.owner"), "1\n");
    await (await openAt(dataDir)).close();
  });
});

describe("kill -9", () => {
  test("everything acknowledged is there, the counts are exact, and the store goes on", async () => {
    const dataDir = testDirectory();
    for (let round = 0; round < 3; round++) {
      const child = start(dataDir, "work");
      const told = { submitted: new Set<string>(), finished: new Set<string>() };
      for await (const line of lines(child)) {
        const [what, id] = line.split(" ") as [keyof typeof told, string];
        told[what].add(id);
        if (told.submitted.size === 200 + 37 * round) await kill(child);
      }
      const store = await openAt(dataDir);
      const records = await store.get([...told.submitted]);
      expect(records.filter((record) => record === undefined)).toEqual([]);
      for (const id of told.finished) expect((await getOne(store, id)).state).toBe("SUCCEEDED");
      const { counts } = (await store.stats(["q"]))[0]!;
      for (const state of ["QUEUED", "RUNNING", "SUCCEEDED"] as const)
        expect(counts[state]).toBe(await countByListing(store, state));
      await store.submit([{ ...records[0]!, id: `q.after${round}`, parents: [], fingerprint: "" }]);
      await store.close();
    }
  });
});

async function countByListing(
  store: Awaited<ReturnType<typeof openAt>>,
  state: "QUEUED" | "RUNNING" | "SUCCEEDED",
) {
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await store.list({ queues: ["q"], states: [state], limit: 500, cursor });
    found += page.tasks.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

describe("a full disk", () => {
  test("refuses with STORE_FULL, half does nothing, and opens again", async () => {
    const dataDir = testDirectory();
    const child = start(dataDir, "fill", "ulimit -f 4000;");
    const said: string[] = [];
    for await (const line of lines(child)) said.push(line);
    expect(said.filter((line) => line.startsWith("refused"))).toEqual(["refused STORE_FULL"]);
    const submitted = said.filter((line) => line === "submitted").length;
    const finish = said.at(-1)!.replace("finish ", "");
    const store = await openAt(dataDir);
    const [big, small] = await store.stats(["big", "q"]);
    expect(big!.counts.QUEUED).toBe(submitted);
    expect(small!.counts).toMatchObject(finish === "SUCCEEDED" ? { SUCCEEDED: 1 } : { RUNNING: 1 });
    await store.close();
  });
});
