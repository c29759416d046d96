/** A real redis-server of a test's own: on a free port of the loopback, in a directory of its own, gone at the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./ports.ts";

export interface RedisServerOptions {
  /** Fsync of the append-only file; undefined: nothing is persisted. */
  readonly appendfsync?: "always" | "everysec" | "no";
  /** More settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long it may take to start, with its data. Default: 10,000. */
  readonly patienceMs?: number;
}

export class RedisServer {
  readonly port: number;
  readonly url: string;
  readonly #directory: string;
  readonly #options: RedisServerOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: string, options: RedisServerOptions) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#directory = directory;
    this.#options = options;
  }

  /** Starts a server and waits until it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), "agentmesh-redis-"));
    const server = new RedisServer(await freePort(), directory, options);
    await server.start();
    return server;
  }

  /** Starts the server again, on the same port and data. */
  async start(): Promise<void> {
    const child = spawn("redis-server", this.#arguments(), { stdio: "ignore" });
    this.#process = child;
    const failed = once(child, "error").then(([error]) => {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      throw isMissing ? new Error("redis-server is missing: apt-get install redis-server") : error;
    });
    await Promise.race([failed, this.#answers()]);
    failed.catch(() => {});
  }

  /** Ends the server at once, as a crash does; its data stay. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As {@link kill}, for the end of this process, which waits for nothing. */
  killNow(): void {
    this.#process?.kill("SIGKILL");
  }

  /** Stops the process where it is: its connections stay open and nothing answers. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends the server and deletes its data. */
  async stop(): Promise<void> {
    await this.#end("SIGKILL");
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A plain client, for looking at keys; the caller disconnects it. */
  client(): Redis {
    return new Redis(this.url);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  #arguments(): string[] {
    const { appendfsync, settings = {} } = this.#options;
    const all: Record<string, string> = {
      port: String(this.port),
      bind: "127.0.0.1",
      dir: this.#directory,
      save: "",
      appendonly: appendfsync === undefined ? "no" : "yes",
      appendfsync: appendfsync ?? "everysec",
      ...settings,
    };
    return Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...value.split(" ")]);
  }

  async #answers(): Promise<void> {
    const { patienceMs = 10_000 } = this.#options;
    const end = performance.now() + patienceMs;
    const client = new Redis(this.url, { retryStrategy: () => 5, maxRetriesPerRequest: null });
    client.on("error", () => {});
    try {
      while ((await within(client.ping(), end - performance.now())) !== "PONG");
    } finally {
      client.disconnect();
    }
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("redis-server did not answer in time")), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
