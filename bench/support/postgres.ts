/**
 * A PostgreSQL of a benchmark's own: on a free port of the loopback, in a directory of its own, every commit synced. It
 * ends with the benchmark, however that ends.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Meter, processesMeter } from "./meters.ts";

const patienceMs = 20_000;

export class PostgresServer {
  readonly url: string;
  readonly version: string;
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, options: { port: number; directory: string; version: string }) {
    this.url = `postgres://bench@127.0.0.1:${options.port}/postgres`;
    this.version = options.version;
    this.#process = child;
    this.#directory = options.directory;
  }

  /** Undefined where PostgreSQL is not installed. */
  static async start(): Promise<PostgresServer | undefined> {
    const bin = globSync("/usr/lib/postgresql/*/bin").sort().at(-1);
    if (bin === undefined || !existsSync(join(bin, "initdb"))) return undefined;
    const user = unprivileged();
    const directory = mkdtempSync(join(tmpdir(), "agentmesh-postgres-"));
    chownSync(directory, user.uid, user.gid);
    const data = join(directory, "data");
    const run = { ...user, cwd: directory, stdio: "ignore" } as const;
    execFileSync(join(bin, "initdb"), ["-D", data, "-U", "bench", "--auth=trust", "--no-sync"], run);
    const port = await freePort();
    const settings = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "fsync=on",
      "synchronous_commit=on",
    ];
    const child = spawn(
      join(bin, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap((one) => ["-c", one])],
      run,
    );
    process.once("exit", () => child.kill("SIGQUIT"));
    const ready = () => readIfThere(join(data, "postmaster.pid")).includes("ready");
    for (const end = performance.now() + patienceMs; !ready(); await pause(20))
      if (performance.now() > end || child.exitCode !== null) throw new Error("PostgreSQL did not start");
    const said = execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" });
    return new PostgresServer(child, { port, directory, version: /[\d.]+/.exec(said)?.[0] ?? "?" });
  }

  /** The server with all its backends. */
  meter(): Meter {
    const pid = this.#process.pid as number;
    const children = () => readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean);
    return processesMeter("PostgreSQL", () => [pid, ...children().map(Number)]);
  }

  /** Waits for its clients to go, who must have been told to. */
  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** PostgreSQL refuses to run as root; as anybody else it runs as that one. */
function unprivileged(): { uid: number; gid: number } {
  if (process.getuid?.() !== 0) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const [uid, gid] = /^postgres:[^:]*:(\d+):(\d+)/m
    .exec(readFileSync("/etc/passwd", "utf8"))
    ?.slice(1)
    .map(Number) ?? [65_534, 65_534];
  return { uid: uid as number, gid: gid as number };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
