/** A real Redis server, its replica, and three Sentinels that watch them: on the loopback, gone at the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./ports.ts";
import { RedisServer } from "./redis.ts";

const patienceMs = 20_000;
const masterName = "mesh";

export class RedisSentinel {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly url: string;
  readonly #directory: string;
  readonly #sentinels: readonly ChildProcess[];

  private constructor(servers: readonly RedisServer[], directory: string, sentinels: readonly Sentinel[]) {
    this.master = servers[0]!;
    this.replica = servers[1]!;
    this.#directory = directory;
    this.#sentinels = sentinels.map((sentinel) => sentinel.process);
    this.url = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${masterName}`;
  }

  /** Starts all of them, and waits until each Sentinel knows the others and the replica. */
  static async start(): Promise<RedisSentinel> {
    const master = await RedisServer.start();
    const replica = await RedisServer.start({
      settings: { replicaof: `127.0.0.1 ${master.port}`, "repl-diskless-sync-delay": "0" },
    });
    const directory = await mkdtemp(join(tmpdir(), "agentmesh-sentinel-"));
    const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(directory, master.port)));
    const all = new RedisSentinel([master, replica], directory, sentinels);
    try {
      await Promise.all(sentinels.map(({ port }) => knowsAll(port)));
    } catch (error) {
      await all.stop();
      throw error;
    }
    return all;
  }

  async stop(): Promise<void> {
    for (const sentinel of this.#sentinels) {
      const ended = once(sentinel, "exit");
      if (sentinel.kill("SIGKILL")) await ended;
    }
    await Promise.all([this.master.stop(), this.replica.stop()]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

interface Sentinel {
  readonly port: number;
  readonly process: ChildProcess;
}

async function startSentinel(directory: string, masterPort: number): Promise<Sentinel> {
  const port = await freePort();
  const file = join(directory, `${port}.conf`);
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${masterName} 1000`,
    `sentinel failover-timeout ${masterName} 5000`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return { port, process: spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" }) };
}

async function knowsAll(port: number): Promise<void> {
  const client = new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {});
  try {
    for (const end = performance.now() + patienceMs; ; ) {
      const known = ((await client.call("SENTINEL", "MASTER", masterName)) as string[]).join(" ");
      if (/num-slaves 1 .*num-other-sentinels 2 /.test(known) && (await isFollowed(client))) return;
      if (performance.now() > end)
        throw new Error(`the Sentinels were not ready within ${patienceMs} ms: ${known}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    client.disconnect();
  }
}

/** Whether the replica has had all that the server has. */
async function isFollowed(client: Redis): Promise<boolean> {
  const [replica] = (await client.call("SENTINEL", "REPLICAS", masterName)) as string[][];
  return /master-link-status ok/.test(replica?.join(" ") ?? "");
}
