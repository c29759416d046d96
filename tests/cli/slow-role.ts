/** A role of a user's own, for tests: says that it has begun, and ends when it is told to. */
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { defineRole } from "../../src/agent/role.ts";

export default defineRole({
  name: "slow",
  summary: "Waits for a file",
  input: z.object({ until: z.string() }),
  output: z.object({ done: z.boolean() }),
  async run({ until }, task) {
    task.log("begun");
    while (!existsSync(until)) await pause(20, undefined, { signal: task.signal });
    return { done: true };
  },
});
