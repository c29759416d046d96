/** The policy in force: the last that was accepted, and why the file as it is now was not. */
import type { Clock } from "../core/clock.ts";
import { MeshError } from "../core/errors.ts";
import { policyDefault, type TrafficPolicy } from "./policy.ts";
import { readPolicy } from "./read-policy.ts";

export interface PolicyStatus {
  /** Empty: nobody has named one, and the defaults hold. */
  readonly file: string;
  readonly loadMs: number | undefined;
  /** Of the file as it is now; the last good one stays in force. */
  readonly error: string | undefined;
}

export class PolicyState {
  readonly #file: string;
  readonly #clock: Clock;
  /** Throws for a policy that cannot be published. */
  readonly #publish: (policy: TrafficPolicy) => void;
  #policy = policyDefault;
  #loadMs: number | undefined;
  #error: string | undefined;

  constructor(file: string, clock: Clock, publish: (policy: TrafficPolicy) => void) {
    this.#file = file;
    this.#clock = clock;
    this.#publish = publish;
  }

  get policy(): TrafficPolicy {
    return this.#policy;
  }

  get status(): PolicyStatus {
    return { file: this.#file, loadMs: this.#loadMs, error: this.#error };
  }

  /** Takes the text of the file. Answers with the error when it is refused. */
  accept(text: string): MeshError | undefined {
    try {
      const policy = readPolicy(text, this.#file);
      this.#publish(policy);
      this.#policy = policy;
      this.#loadMs = this.#clock.now();
      this.#error = undefined;
      return undefined;
    } catch (error) {
      return this.refuse(error);
    }
  }

  /** The file cannot be read. */
  refuse(error: unknown): MeshError {
    const refusal = MeshError.from(error);
    this.#error = refusal.message;
    return refusal;
  }
}
