/** Connects to Redis, and finds out what it is. */
import { MeshError } from "../../core/errors.ts";
import { Connection } from "./connection.ts";
import type { ReplicasOptions } from "./replicas.ts";

export interface Opening {
  readonly url: string;
  readonly replicas?: ReplicasOptions;
}

export interface Opened {
  readonly connection: Connection;
  /** Of one server or of several. */
  readonly isCluster: boolean;
}

/**
 * Rejects with STORE_UNAVAILABLE when Redis cannot be reached within two seconds, with INVALID_CONFIG where it is none that
 * can be used. The address of one node leads to its whole cluster.
 */
export async function openConnection({ url, replicas }: Opening): Promise<Opened> {
  const connection = new Connection(url, { ...(replicas === undefined ? {} : { replicas }) });
  try {
    await connection.connect();
    const info = await infoOf(connection);
    const isCluster = /^cluster_enabled:1/m.test(info);
    if (!isCluster || connection.kind === "cluster" || (await isAlone(connection)))
      return { connection, isCluster };
  } catch (error) {
    connection.close();
    throw isNoCluster(error) ? noCluster(connection.address) : error;
  }
  connection.close();
  const clusterUrl = url.replace(/^(rediss?):/, "$1+cluster:");
  return openConnection({ url: clusterUrl, ...(replicas === undefined ? {} : { replicas }) });
}

/** INFO of the first server, after the versions of all were looked at. */
async function infoOf(connection: Connection): Promise<string> {
  const infos = await connection.callEach("INFO");
  for (const { address, answer } of infos) requireVersion(String(answer), address);
  return String(infos[0]?.answer);
}

/** Scripts say with a shebang whether they run when memory is full, which came with 7.0. */
function requireVersion(info: string, address: string): void {
  const version = /^redis_version:(\d+)\.(\S+)/m.exec(info);
  if (version === null || Number(version[1]) >= 7) return;
  const found = `${version[1]}.${version[2]}`;
  throw new MeshError("INVALID_CONFIG", `Redis 7.0 or newer is needed; ${address} is ${found}`);
}

/** A node that knows of no other serves all slots itself, and may not know by which address it is reached. */
async function isAlone(connection: Connection): Promise<boolean> {
  return /^cluster_known_nodes:1\r?$/m.test(String(await connection.call("CLUSTER", "INFO")));
}

function isNoCluster(error: unknown): boolean {
  return error instanceof MeshError && error.message.includes("cluster support disabled");
}

function noCluster(address: string): MeshError {
  return new MeshError(
    "INVALID_CONFIG",
    `${address} is not a Redis Cluster: write redis:// in place of redis+cluster://`,
  );
}
