/** Another process that takes part in a benchmark: started from bench/parts, asked over its channel, ended with this one. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Meter } from "./meters.ts";

/** What every part answers to `usage`. */
export interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

type Answer = { readonly id: number; readonly answer?: unknown; readonly error?: string };

export class Part {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on("message", ({ id, answer, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(error));
    });
    process.on("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a part ended with ${code}`));
    });
  }

  /** Starts bench/parts/NAME.ts and waits until it is ready. */
  static async start(name: string, options: object): Promise<Part> {
    const file = fileURLToPath(new URL(`../parts/${name}.ts`, import.meta.url));
    const child = fork(file, [JSON.stringify(options)], { execArgv: [...process.execArgv, "--expose-gc"] });
    const part = new Part(child);
    await part.ask("usage");
    return part;
  }

  ask<Result>(method: string, argument?: unknown): Promise<Result> {
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(++this.#asked, waiting);
    this.#process.send({ id: this.#asked, method, argument });
    return waiting.promise as Promise<Result>;
  }

  /** `isCollected`: memory is told after a collection, so that garbage is not counted. */
  usage(isCollected = false): Promise<Usage> {
    return this.ask<Usage>("usage", isCollected);
  }

  meter(name: string): Meter {
    return { name, cpuMicros: async () => (await this.usage()).cpuMicros };
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.disconnect();
    await ended;
  }
}
