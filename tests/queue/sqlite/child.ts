/** A process of its own for the tests: opens the store in argv[2] and does what argv[3] says, telling it line by line. */
import { openAt } from "../../support/sqlite.ts";
import { lease, newTask, succeeded, term } from "../../support/tasks.ts";

const [, , dataDir = "", role = ""] = process.argv;
const tell = (line: string) => process.stdout.write(`${line}\n`);

let made = 0;
/** No other process makes the same id. */
const mine = () => newTask("q", { id: `q.${process.pid}x${made++}` });

async function hold(): Promise<void> {
  await openAt(dataDir);
  tell(`open ${process.pid}`);
  setInterval(() => {}, 1_000);
}

/** Submits, leases and finishes for ever; tells each task when it is acknowledged. */
async function work(): Promise<void> {
  const store = await openAt(dataDir);
  for (;;) {
    const batches = Array.from({ length: 8 }, () => store.submit([mine(), mine()]));
    for (const outcomes of await Promise.all(batches))
      for (const outcome of outcomes) if (outcome.status === "created") tell(`submitted ${outcome.id}`);
    const tasks = await lease(store, "q", { max: 5 });
    await store.finish(tasks.map((task) => ({ ...term(task), result: succeeded })));
    for (const task of tasks) tell(`finished ${task.id}`);
  }
}

/** Submits until the disk refuses, then finishes what it leased at first. */
async function fill(): Promise<void> {
  const store = await openAt(dataDir);
  await store.submit([newTask("q")]);
  const [task] = await lease(store, "q");
  const spec = new Uint8Array(100_000);
  try {
    for (;;) {
      await store.submit([newTask("big", { spec })]);
      tell("submitted");
    }
  } catch (error) {
    tell(`refused ${(error as { reason: string }).reason}`);
  }
  const [outcome] = await store.finish([{ ...term(task!), result: succeeded }]).catch(() => [undefined]);
  tell(`finish ${outcome?.state ?? "refused"}`);
}

const roles: Readonly<Record<string, () => Promise<void>>> = { hold, work, fill };
await roles[role]?.();
