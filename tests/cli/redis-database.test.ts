/** A database that Redis refuses, against a real server. */
import { expect, onTestFinished, test } from "vitest";
import { openStore } from "../../src/cli/open-store.ts";
import { loadConfig } from "../../src/core/config/load.ts";
import { RedisServer } from "../support/redis.ts";

test("a database that Redis does not have is refused, and that of number 0 is not used in its place", async () => {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const flags = { "store.url": `${server.url}/99` };
  const { config } = loadConfig({ env: {}, cwd: "/nowhere", readFile: () => undefined, flags });
  await expect(openStore(config)).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
    message: expect.stringContaining("DB index is out of range"),
    wayOut: expect.stringContaining("Name a database that Redis has"),
  });
});
