/**
 * Floors on Redis: what the same payloads cost without a queue around them. redis-benchmark with the fewest commands, and
 * two bare scripts through a client that only speaks the protocol: no retries, delays, priorities, log or fences.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { type Contender, crowd } from "./measure.ts";
import { endedChildrenMeter, type Meter, ownMeter } from "./meters.ts";
import type { RespClient } from "./resp.ts";

const script = (name: string) => readFileSync(new URL(`floor/${name}.lua`, import.meta.url), "latin1");
const run = promisify(execFile);

export class RedisFloor {
  readonly #client: RespClient;
  readonly #port: number;
  readonly #redis: Meter;
  readonly #payload: string;
  readonly #keys: { readonly payloads: string; readonly line: string; readonly leased: string };
  #made = 0;

  /** `name`: begins its keys, so that rows do not feed each other. */
  constructor(options: {
    client: RespClient;
    port: number;
    redis: Meter;
    name: string;
    payloadBytes: number;
  }) {
    this.#client = options.client;
    this.#port = options.port;
    this.#redis = options.redis;
    this.#payload = "x".repeat(options.payloadBytes);
    const key = (part: string) => `floor:${options.name}:${part}`;
    this.#keys = { payloads: key("payloads"), line: key("line"), leased: key("leased") };
  }

  /** redis-benchmark, one connection: SETs of the payload, `pipelined` at a time. */
  sets(pipelined: number): Contender {
    return this.#benchmark(`floor: redis-benchmark -P ${pipelined} SET`, 1, pipelined, [
      "SET",
      "floor:__rand_int__",
      this.#payload,
    ]);
  }

  /** redis-benchmark, one connection: MSETs of `size` payloads. */
  msets(size: number): Contender {
    const pairs = Array.from({ length: size }, () => ["floor:__rand_int__", this.#payload]).flat();
    return this.#benchmark(`floor: redis-benchmark MSET of ${size}`, size, 1, ["MSET", ...pairs]);
  }

  submitBatches(size: number): Contender {
    return this.#contender(`floor: bare Lua, ${size} a call`, (tasks) => this.#submit(tasks, size));
  }

  drain(size: number): Contender {
    return this.#contender(`floor: bare Lua, ${size} a call`, (tasks) => this.#drain(tasks, size));
  }

  lifeCycle(size: number): Contender {
    return this.#contender(`floor: bare Lua, ${size} a call`, async (tasks) => {
      await this.#submit(tasks, size);
      await this.#drain(tasks, size);
    });
  }

  async fill(tasks: number): Promise<void> {
    await this.#submit(tasks, 500);
  }

  #contender(name: string, work: (tasks: number) => Promise<void>): Contender {
    return { name, meters: [ownMeter("client"), this.#redis], run: work };
  }

  #benchmark(name: string, size: number, pipelined: number, command: readonly string[]): Contender {
    const fixed = ["-h", "127.0.0.1", "-p", String(this.#port), "-c", "1", "-P", String(pipelined)];
    return {
      name,
      meters: [endedChildrenMeter("client"), this.#redis],
      async run(tasks) {
        const requests = ["-q", "-r", "1000000000", "-n", String(Math.ceil(tasks / size))];
        await run("redis-benchmark", [...fixed, ...requests, ...command]);
      },
    };
  }

  async #submit(tasks: number, size: number): Promise<void> {
    const { payloads, line } = this.#keys;
    const text = script("submit");
    const one = async () => {
      const pairs = Array.from({ length: size }, () => [`task-${++this.#made}`, this.#payload]).flat();
      await this.#client.call("EVAL", text, 2, payloads, line, ...pairs);
    };
    await crowd(Math.ceil(tasks / size), 1, one);
  }

  async #drain(tasks: number, size: number): Promise<void> {
    const { payloads, line, leased } = this.#keys;
    const text = script("take");
    let ended: readonly string[] = [];
    let endedBatch = "";
    for (let left = tasks; left > 0 || ended.length > 0; left -= ended.length) {
      const batch = `${leased}:${++this.#made}`;
      const max = Math.min(size, left);
      const keys = [payloads, line, leased, batch, endedBatch];
      const args = [max, Math.round(performance.now()) + 30_000, ...ended];
      const [ids] = (await this.#client.call("EVAL", text, keys.length, ...keys, ...args)) as [string[]];
      if (ids.length !== max) throw new Error(`the floor's line ran dry with ${left} to go`);
      ended = ids;
      endedBatch = batch;
    }
  }
}
