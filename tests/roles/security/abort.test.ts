import { expect, test } from "vitest";
import { defineRole, type Role, type TaskContext } from "../../../src/agent/role.ts";
import { runRole } from "../../../src/agent/run-role.ts";
import security from "../../../src/roles/security/index.ts";
import { makeRepository } from "./repository.ts";

/** The role, with `onProgress` called as its task tells how far it is. */
function watched(role: Role, onProgress: (fraction: number) => void): Role {
  return defineRole({
    ...role,
    run: (input, task) => {
      const progress: TaskContext["progress"] = (fraction, message) => {
        task.progress(fraction, message);
        onProgress(fraction);
      };
      return role.run(input, Object.create(task, { progress: { value: progress } }));
    },
  });
}

test("an abort in the middle of a large scan ends it at once", async () => {
  const source = "export const values = [1, 2, 3].map((value) => value * 2);\n".repeat(300);
  const files = Array.from({ length: 400 }, (_, index) => [`src/${index}.ts`, source]);
  const repository = await makeRepository(Object.fromEntries(files));
  const controller = new AbortController();
  let abortedAt = 0;
  const role = watched(security, (fraction) => {
    if (fraction < 0.6 || controller.signal.aborted) return;
    abortedAt = performance.now();
    controller.abort(new Error("the task was canceled"));
  });
  await expect(runRole(role, { repository }, { signal: controller.signal })).rejects.toThrow(
    "the task was canceled",
  );
  expect(performance.now() - abortedAt).toBeLessThan(1_000);
});

test("an abort ends even the one file that holds a scanner up", async () => {
  // Its 100,000 findings take some three seconds, in which nothing comes from the scan.
  const repository = await makeRepository({ "a.js": "eval(a);\n".repeat(100_000) });
  const controller = new AbortController();
  let abortedAt = 0;
  const role = watched(security, (fraction) => {
    if (fraction === 0) return;
    abortedAt = performance.now();
    controller.abort(new Error("stop"));
  });
  await expect(runRole(role, { repository }, { signal: controller.signal })).rejects.toThrow("stop");
  expect(performance.now() - abortedAt).toBeLessThan(1_000);
});

test("a task that is aborted before it starts does nothing", async () => {
  const repository = await makeRepository({ "a.js": "" });
  const run = runRole(security, { repository }, { signal: AbortSignal.abort(new Error("too late")) });
  await expect(run).rejects.toThrow("too late");
});
