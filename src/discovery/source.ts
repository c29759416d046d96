/** The contract of what tells the control plane of endpoints; the sources are in sources/. */
import type { Endpoint } from "./endpoint.ts";

export interface SourceListener {
  /**
   * All endpoints that there are now, at each change. Never called before the source has seen its whole list once: a source
   * that begins anew goes on with what it last knew until then.
   */
  changed(endpoints: readonly Endpoint[]): void;
  /** The source cannot be read at present; what it last told stays true as far as anyone knows. Told once an outage. */
  failed(error: Error, isNew?: boolean): void;
}

export interface EndpointSource {
  /** What it reads, for logs and `agentmesh discovery`, such as "the registry in redis://127.0.0.1:6379/0". */
  readonly description: string;
  /** Begins to read, and goes on through every failure until it is stopped. */
  start(listener: SourceListener): void;
  stop(): Promise<void>;
}
