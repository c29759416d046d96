/** Starts and conducts replicas that are processes of their own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Conduct } from "../../client/xds/replicas.ts";
import type { ReplicaOptions } from "./replica.ts";

const living = new Set<ChildProcess>();

export class ReplicaProcess {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Resolves when it serves and is registered. */
  static async start(options: ReplicaOptions): Promise<ReplicaProcess> {
    const script = new URL("replica.ts", import.meta.url).pathname;
    const child = fork(script, [JSON.stringify(options)], { execArgv: [] });
    living.add(child);
    child.once("exit", () => living.delete(child));
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return new ReplicaProcess(child, port);
  }

  /** What its answers name as the worker. */
  get name(): string {
    return String(this.#child.pid);
  }

  /** Resolves when it does so. */
  async conduct(conduct: Conduct): Promise<void> {
    const heard = once(this.#child, "message");
    this.#child.send(conduct);
    await heard;
  }

  /** Its exit code; null after a signal. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    return ((await ended) as [number | null])[0];
  }
}

/** For `afterAll`. */
export async function killReplicas(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }),
  );
}
