/** A real Redis Cluster of a test's own: three masters with a replica each, on the loopback, gone at the end. */
import { Cluster, Command, type Redis } from "ioredis";
import { freePort } from "./ports.ts";
import { RedisServer, type RedisServerOptions } from "./redis.ts";

const mastersCount = 3;
const slots = 16_384;
const patienceMs = 30_000;

export class RedisCluster {
  /** The first three began as masters, and replica n + 3 follows master n. */
  readonly nodes: readonly RedisServer[];
  readonly url: string;
  /** For looking at keys, wherever they are; `keys` looks at every master. */
  readonly client: Cluster;

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
    this.url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
    this.client = new Cluster(
      nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      { lazyConnect: true },
    );
    const { client } = this;
    Object.assign(client, {
      keys: async (pattern: string) => {
        // The masters may be others by now.
        await new Promise((resolve) => client.refreshSlotsCache(resolve));
        return (await Promise.all(client.nodes("master").map((node) => node.keys(pattern)))).flat();
      },
    });
    client.on("error", () => {});
  }

  /** Starts the nodes, and waits until they serve every slot and the replicas follow. */
  static async start(options: RedisServerOptions = {}): Promise<RedisCluster> {
    const nodes = await Promise.all(Array.from({ length: 2 * mastersCount }, () => startNode(options)));
    const cluster = new RedisCluster(nodes);
    try {
      await join(nodes);
      await cluster.client.connect();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** A name of a queue whose keys the nth master began with. */
  queueOn(master: number, name = "q"): string {
    for (let i = 0; ; i++) {
      const slot = slotOf(`${name}${i}`);
      if (rangeOf(master).first <= slot && slot <= rangeOf(master).last) return `${name}${i}`;
    }
  }

  /** Moves a slot with its keys from one node to another, as resharding does. */
  async moveSlot(slot: number, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    const nodes = [from, to].map((at) => this.nodes[at]!);
    const clients = nodes.map((node) => node.client());
    const [source, target] = clients as [Redis, Redis];
    try {
      const [sourceId, targetId] = (await Promise.all(clients.map((client) => client.cluster("MYID")))) as [
        string,
        string,
      ];
      await target.cluster("SETSLOT", slot, "IMPORTING", sourceId);
      await source.cluster("SETSLOT", slot, "MIGRATING", targetId);
      for (;;) {
        const keys = (await source.cluster("GETKEYSINSLOT", slot, 10)) as string[];
        if (keys.length === 0) break;
        await source.call("MIGRATE", "127.0.0.1", nodes[1]!.port, "", 0, 5_000, "KEYS", ...keys);
      }
      for (const client of [target, source]) await client.cluster("SETSLOT", slot, "NODE", targetId);
    } finally {
      for (const client of clients) client.disconnect();
    }
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

export function slotOf(queue: string): number {
  return new Command("get", [queue]).getSlot() as number;
}

async function startNode({ settings, ...options }: RedisServerOptions): Promise<RedisServer> {
  return RedisServer.start({
    ...options,
    settings: {
      "cluster-enabled": "yes",
      "cluster-port": String(await freePort()),
      "cluster-announce-ip": "127.0.0.1",
      "cluster-node-timeout": "2000",
      "repl-diskless-sync-delay": "0",
      ...settings,
    },
  });
}

function rangeOf(master: number): { readonly first: number; readonly last: number } {
  const edge = (n: number) => Math.floor((n * slots) / mastersCount);
  return { first: edge(master), last: edge(master + 1) - 1 };
}

async function join(nodes: readonly RedisServer[]): Promise<void> {
  const clients = nodes.map((node) => node.client());
  try {
    const ids = await Promise.all(clients.map((client) => client.cluster("MYID") as Promise<string>));
    const buses = await Promise.all(clients.map(busPortOf));
    await Promise.all(
      clients.map(async (client, at) => {
        await client.cluster("SET-CONFIG-EPOCH", at + 1);
        const { first, last } = rangeOf(at);
        if (at < mastersCount) await client.call("CLUSTER", "ADDSLOTSRANGE", first, last);
      }),
    );
    for (const [at, node] of nodes.entries())
      await clients[0]!.call("CLUSTER", "MEET", "127.0.0.1", node.port, buses[at]!);
    await each(clients, async (client, at) => {
      const known = String(await client.cluster("NODES"));
      const isWhole = ids.every((id) => known.includes(id)) && !known.includes("handshake");
      return isWhole && (at < mastersCount || (await follows(client, ids[at - mastersCount]!)));
    });
    await each(clients, async (client) => {
      const isWhole = String(await client.cluster("INFO")).includes("cluster_state:ok");
      return isWhole && isCaughtUp(await client.info("replication"));
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/** Of a master: whether its replica has said that it has everything. Of a replica: whether it follows. */
function isCaughtUp(replication: string): boolean {
  if (replication.includes("role:slave")) return replication.includes("master_link_status:up");
  const had = /^slave0:.*state=online,offset=(\d+)/m.exec(replication)?.[1];
  return had !== undefined && had === /^master_repl_offset:(\d+)/m.exec(replication)?.[1];
}

async function busPortOf(client: Redis): Promise<number> {
  const [, port] = (await client.config("GET", "cluster-port")) as [string, string];
  return Number(port);
}

async function follows(client: Redis, master: string): Promise<boolean> {
  return client.call("CLUSTER", "REPLICATE", master).then(
    () => true,
    () => false,
  );
}

/** Asks each until it says yes. */
async function each(
  clients: readonly Redis[],
  reached: (client: Redis, at: number) => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + patienceMs;
  for (const [at, client] of clients.entries())
    while (!(await reached(client, at))) {
      if (performance.now() > end) throw new Error(`the cluster was not whole within ${patienceMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}
