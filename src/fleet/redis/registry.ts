/** The registry in Redis: instances of any number of processes, all in one hash slot. */
import { limits } from "../../core/limits.ts";
import {
  type BeatOutcome,
  byRoleAndId,
  type Instance,
  type InstanceBeat,
  type InstanceList,
  type InstanceLoad,
  type InstanceRegistry,
  type InstanceSpec,
  type InstanceState,
  noLoad,
  type RegisterOutcome,
  type Registration,
} from "../instances.ts";
import { Connection } from "./connection.ts";
import { loadScripts, type ScriptName } from "./scripts.ts";

export interface RedisRegistryOptions {
  /** As `store.url` has it. */
  readonly url: string;
  /** Begins every key's name. Default: `am`. */
  readonly prefix?: string;
}

/** Items of one script call: bounds how long it holds the server up. */
const itemsMax = 100;

/** Rejects with STORE_UNAVAILABLE when Redis cannot be reached within two seconds. The address of one node leads to its cluster. */
export async function openRedisRegistry({
  url,
  prefix = "am",
}: RedisRegistryOptions): Promise<InstanceRegistry> {
  const connection = new Connection(url);
  try {
    await connection.connect();
    const leadsToCluster = /^rediss?:/.test(url) && (await isClusterNode(connection));
    if (!leadsToCluster) return new RedisRegistry(connection, prefix);
  } catch (error) {
    connection.close();
    throw error;
  }
  connection.close();
  return openRedisRegistry({ url: url.replace(/^(rediss?):/, "$1+cluster:"), prefix });
}

/** A node that knows of no other serves all slots itself, and may not know by which address it is reached. */
async function isClusterNode(connection: Connection): Promise<boolean> {
  if (!/^cluster_enabled:1/m.test(String(await connection.ask("INFO", "cluster")))) return false;
  return !/^cluster_known_nodes:1\r?$/m.test(String(await connection.ask("CLUSTER", "INFO")));
}

type ListReply = [nowMs: string, epoch: string, rows: string[]];

class RedisRegistry implements InstanceRegistry {
  readonly description: string;
  readonly #connection: Connection;
  readonly #scripts = loadScripts();
  readonly #key: string;
  readonly #channel: string;
  readonly #listeners = new Set<() => void>();

  constructor(connection: Connection, prefix: string) {
    this.description = connection.address;
    this.#connection = connection;
    // A queue may have any role's name: its keys begin with `am:{`.
    this.#key = `${prefix}:fleet:{instances}:`;
    this.#channel = `${prefix}:fleet:instances`;
    connection.hear(this.#channel, () => {
      for (const listener of this.#listeners) listener();
    });
  }

  async register(registrations: readonly Registration[]): Promise<readonly RegisterOutcome[]> {
    const packed = registrations.map(({ instance, state, ttlMs }) => [
      instance.id,
      instance.role,
      state,
      ttlMs,
      JSON.stringify(instance),
      JSON.stringify(noLoad),
    ]);
    const outcomes = await this.#batch("register", packed, [limits.instancesMax]);
    return outcomes.map((outcome) => (outcome === "1" ? "registered" : "full"));
  }

  async heartbeat(beats: readonly InstanceBeat[]): Promise<readonly BeatOutcome[]> {
    const packed = beats.map(({ id, state = "", load }) => [id, state, load ? JSON.stringify(load) : ""]);
    const outcomes = await this.#batch("heartbeat", packed);
    return outcomes.map((outcome) => (outcome === "1" ? "known" : "unknown"));
  }

  async deregister(ids: readonly string[]): Promise<void> {
    await this.#batch(
      "deregister",
      ids.map((id) => [id]),
    );
  }

  async list({ role = "" }: { readonly role?: string } = {}): Promise<InstanceList> {
    const [nowMs, epoch, rows] = (await this.#run("list", [role])) as ListReply;
    const instances: Instance[] = [];
    for (let at = 0; at < rows.length; at += 2)
      instances.push(instanceOf(rows[at] as string, rows[at + 1] as string));
    return { instances: instances.sort(byRoleAndId), nowMs: Number(nowMs), epoch };
  }

  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#connection.close();
  }

  /** Runs a script over items, so many a call, one call after the other; answers with a character an item. */
  async #batch(
    name: ScriptName,
    items: readonly (readonly (string | number)[])[],
    first: readonly number[] = [],
  ): Promise<string[]> {
    let outcomes = "";
    for (let from = 0; from < items.length; from += itemsMax)
      outcomes += await this.#run(name, [...first, ...items.slice(from, from + itemsMax).flat()]);
    return [...outcomes];
  }

  #run(name: ScriptName, args: readonly (string | number)[]): Promise<unknown> {
    return this.#connection.run(this.#scripts[name], this.#key, [this.#channel, ...args]);
  }
}

/** `beat` is `ROLE STATE TTL BEAT LOAD`; see lua/base.lua. */
function instanceOf(spec: string, beat: string): Instance {
  const [, state, ttlMs, heartbeatMs, ...load] = beat.split(" ");
  return {
    ...(JSON.parse(spec) as InstanceSpec),
    state: state as InstanceState,
    load: JSON.parse(load.join(" ")) as InstanceLoad,
    ttlMs: Number(ttlMs),
    heartbeatMs: Number(heartbeatMs),
  };
}
