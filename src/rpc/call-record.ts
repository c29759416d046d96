/** What a server notes of a call, whatever carried it: its end goes to the metrics, a fault of our own to the log. */
import { MeshError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { publicError } from "../core/public-error.ts";

/** Told of every call's end. */
export type CallObserver = (service: string, method: string, code: string, seconds: number) => void;

export interface CallRecordOptions {
  readonly log: Logger;
  readonly observe: CallObserver;
}

export class CallRecord {
  readonly #service: string;
  readonly #method: string;
  readonly #options: CallRecordOptions;
  readonly #began = performance.now();

  /** `path` is such as "/agentmesh.v1.TaskService/GetTask". */
  constructor(path: string, options: CallRecordOptions) {
    const [, service = "", method = ""] = path.split("/");
    this.#service = service;
    this.#method = method;
    this.#options = options;
  }

  succeeded(): void {
    this.#ended("OK");
  }

  /** The error to answer with. */
  failed(thrown: unknown): MeshError {
    const error = MeshError.from(thrown);
    if (error.reason === "INTERNAL")
      this.#options.log.error(
        { rpc: `${this.#service}/${this.#method}`, error: String(error.stack), cause: causeOf(error) },
        "a call failed",
      );
    this.#ended(error.code);
    return publicError(error);
  }

  #ended(code: string): void {
    this.#options.observe(this.#service, this.#method, code, (performance.now() - this.#began) / 1_000);
  }
}

function causeOf({ cause }: MeshError): string {
  return cause instanceof Error ? String(cause.stack) : String(cause);
}
