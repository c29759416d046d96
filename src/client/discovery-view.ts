/** What a control plane knows: replicas, its policy's state, and the xDS clients that it serves. */
import {
  type DiscoveryClient,
  DiscoveryServiceService,
  GetDiscoveryResponse,
  type WatchDiscoveryResponse,
} from "../../gen/grpc/agentmesh/v1/discovery.ts";
import { MeshError } from "../core/errors.ts";
import type { Connection } from "../rpc/connection.ts";
import { type Resumable, resumeWatch } from "./resume-watch.ts";

export class DiscoveryView {
  readonly #connection: Connection;
  readonly #timeoutMs: number;

  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /** Of one role, or of all. Throws DISCOVERY_NOT_READY, NO_CONTROL_PLANE. */
  async get(role = ""): Promise<GetDiscoveryResponse> {
    return this.#told(() =>
      this.#connection.unary(DiscoveryServiceService.getDiscovery, { role }, { timeoutMs: this.#timeoutMs }),
    );
  }

  /** The same at once, and then after each change, until `signal` aborts; it outlives its server as other watches do. */
  async *watch(role = "", signal?: AbortSignal): AsyncGenerator<GetDiscoveryResponse> {
    const changes: Resumable<WatchDiscoveryResponse> = {
      open: (timing) =>
        this.#connection.serverStream(DiscoveryServiceService.watchDiscovery, { role }, timing),
      arrived: () => {},
      isFinal: () => false,
    };
    let last: GetDiscoveryResponse | undefined;
    try {
      for await (const { discovery } of resumeWatch(changes, { signal })) {
        // A stream that was taken up again begins with what there is, which may be what was told last.
        if (!discovery || (last && isSame(last, discovery))) continue;
        last = discovery;
        yield discovery;
      }
    } catch (error) {
      throw this.#clearer(error);
    }
  }

  /** The xDS clients that are connected to this control plane. */
  async clients(): Promise<DiscoveryClient[]> {
    const { clients } = await this.#told(() =>
      this.#connection.unary(
        DiscoveryServiceService.listDiscoveryClients,
        {},
        { timeoutMs: this.#timeoutMs },
      ),
    );
    return clients;
  }

  async #told<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (error) {
      throw this.#clearer(error);
    }
  }

  #clearer(thrown: unknown): MeshError {
    const error = MeshError.from(thrown);
    if (error.code !== "UNIMPLEMENTED") return error;
    const message = `${this.#connection.address} runs no control plane; name one that serves the role discovery with --server`;
    return new MeshError("NO_CONTROL_PLANE", message, { cause: thrown });
  }
}

function isSame(one: GetDiscoveryResponse, other: GetDiscoveryResponse): boolean {
  const [a, b] = [one, other].map((each) => Buffer.from(GetDiscoveryResponse.encode(each).finish()));
  return (a as Buffer).equals(b as Buffer);
}
