/** The processes of a run and what lies between them: servers over Redis, workers, submitters, a proxy on each way. */
import { join } from "node:path";
import { freePort } from "../support/ports.ts";
import type { RedisServer } from "../support/redis.ts";
import { Member } from "./member.ts";
import { TcpProxy } from "./proxy.ts";
import { roleNames } from "./workload.ts";

export interface MeshSize {
  /** In all, shared out among the submitters. */
  readonly tasks: number;
  readonly batch: number;
  readonly tasksASecond: number;
  readonly servers: number;
  /** Beside one that works without care. */
  readonly workers: number;
  readonly submitters: number;
}

const script = (path: string) => join(import.meta.dirname, path);

/** Where a mesh is laid; what ends its parts is added to the cleanups. */
export interface Ground {
  readonly directory: string;
  readonly histories: string;
  readonly redis: RedisServer;
  readonly cleanups: (() => unknown)[];
}

/** The processes, not started yet, and a proxy between each two that talk. */
export async function layMesh(options: MeshSize, { directory, histories, redis, cleanups }: Ground) {
  const members: Member[] = [];
  const stop = () => {
    for (const member of members) member.killNow();
    redis.killNow();
  };
  process.once("exit", stop);
  cleanups.push(() => process.off("exit", stop));
  cleanups.push(() => Promise.all(members.map((member) => member.end())));
  const proxyTo = async (port: number) => {
    const proxy = await TcpProxy.to(port);
    cleanups.push(() => proxy.close());
    return proxy;
  };
  const proxies = { redis: [] as TcpProxy[], servers: [] as TcpProxy[] };
  for (let nth = 0; nth < options.servers; nth++) {
    const port = await freePort();
    const toRedis = await proxyTo(redis.port);
    proxies.redis.push(toRedis);
    proxies.servers.push(await proxyTo(port));
    const args = () => serverArgs(port, `redis://${toRedis.address}`);
    members.push(new Member({ kind: "server", name: `server-${nth}`, directory, args }));
  }
  const addresses = proxies.servers.map(({ address }) => address);
  const workerNames = [
    ...Array.from({ length: options.workers }, (_, nth) => ({ name: `worker-${nth}`, file: "worker.ts" })),
    { name: "careless-0", file: "careless.ts" },
  ];
  for (const [nth, { name, file }] of workerNames.entries()) {
    const address = addresses[nth % addresses.length] as string;
    const args = (incarnation: number) => [
      script(`processes/${file}`),
      `${name}-${incarnation}`,
      address,
      join(histories, `${name}.${incarnation}`),
    ];
    members.push(new Member({ kind: "worker", name, directory, args }));
  }
  for (const { name, tasks } of submittersOf(options)) {
    const pace = options.tasksASecond / options.submitters;
    const numbers = [tasks, options.batch, pace].map(String);
    const args = () => [script("processes/submitter.ts"), name, histories, ...numbers, ...addresses];
    members.push(new Member({ kind: "submitter", name, directory, args }));
  }
  return { members, proxies };
}

/** What each submitter is called, and how many of the tasks are its own. */
export function submittersOf({
  tasks,
  submitters,
}: Pick<MeshSize, "tasks" | "submitters">): { name: string; tasks: number }[] {
  const share = Math.ceil(tasks / submitters);
  return Array.from({ length: submitters }, (_, nth) => ({ name: `submitter-${nth}`, tasks: share }));
}

/** The command line of a server that leaves the run's tasks to others. */
export function serverArgs(port: number, store: string): string[] {
  const settings = {
    role: roleNames.idle,
    "role-module": script("roles.ts"),
    store,
    "grpc-port": String(port),
    "http-port": "0",
    "metrics-port": "0",
    "health-port": "0",
    "queue-retention-tasks": "10000000",
    "log-level": "warn",
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return [script("../../src/cli/main.ts"), "serve", ...flags];
}
