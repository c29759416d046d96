/** Callers that never pause, and what became of their calls. */
import { setTimeout as pause } from "node:timers/promises";
import type { MeshClient } from "../../../src/client/mesh-client.ts";
import { MeshError } from "../../../src/core/errors.ts";

export class ConstantLoad implements AsyncDisposable {
  readonly #mesh: MeshClient;
  readonly #callers: Promise<void>[];
  readonly #failures: string[] = [];
  #answered = new Map<string, number>();
  #ended = false;

  /** A caller's next call comes a moment after its last one has ended. */
  constructor(mesh: MeshClient, callers = 6) {
    this.#mesh = mesh;
    this.#callers = Array.from({ length: callers }, () => this.#call());
  }

  /** Calls that failed since the last time that this was asked. */
  failures(): string[] {
    return this.#failures.splice(0);
  }

  /** Calls that each replica, by its name, has answered within `ms` from now on. */
  async shares(ms: number): Promise<ReadonlyMap<string, number>> {
    this.#answered = new Map();
    await pause(ms);
    return this.#answered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#callers);
  }

  async #call(): Promise<void> {
    while (!this.#ended) {
      try {
        const { workerId } = await this.#mesh.get("coding.0");
        this.#answered.set(workerId, (this.#answered.get(workerId) ?? 0) + 1);
      } catch (error) {
        this.#failures.push(`${MeshError.from(error)}`);
      }
      await pause(2);
    }
  }
}
