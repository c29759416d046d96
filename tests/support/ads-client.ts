/** A client that speaks ADS itself, so that a test sees each response. */
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { messageType } from "../../src/discovery/envoy/protos.ts";
import { typeUrlOf } from "../../src/discovery/envoy/resources.ts";
import type { ResourceKind } from "../../src/discovery/snapshot.ts";

export interface AdsResponse {
  readonly version_info: string;
  readonly type_url: string;
  readonly nonce: string;
  readonly resources: readonly { readonly value: Buffer }[];
  /** Of a delta response. */
  readonly removed_resources?: readonly string[];
}

export interface AdsClient extends Disposable {
  /** Sends a request; the node goes with the first. */
  request(kind: ResourceKind | string, fields?: object): void;
  /** The next response. Rejects with the status that ended the stream. */
  next(): Promise<AdsResponse>;
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
}

export interface AdsClientOptions {
  readonly port: number;
  /** The first request's node; undefined: none. */
  readonly node?: object | undefined;
  readonly method?: "StreamAggregatedResources" | "DeltaAggregatedResources";
}

const service = "envoy.service.discovery.v3";

export function adsClient(options: AdsClientOptions): AdsClient {
  const { port, method = "StreamAggregatedResources" } = options;
  const node = "node" in options ? options.node : { id: "test", locality: { region: "eu" } };
  const prefix = method === "StreamAggregatedResources" ? "" : "Delta";
  const requests = messageType(`${service}.${prefix}DiscoveryRequest`);
  const responses = messageType<AdsResponse>(`${service}.${prefix}DiscoveryResponse`);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const call = client.makeBidiStreamRequest(
    `/${service}.AggregatedDiscoveryService/${method}`,
    requests.serialize,
    responses.deserialize,
    new Metadata(),
  );
  const come: AdsResponse[] = [];
  let failure: Error | undefined;
  let wake = () => {};
  call.on("data", (response: AdsResponse) => {
    come.push(response);
    wake();
  });
  call.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  let first = true;
  return {
    request(kind, fields = {}) {
      const type_url = kind.includes("/") ? kind : typeUrlOf(kind as ResourceKind);
      call.write({ ...(first && node ? { node } : {}), type_url, ...fields });
      first = false;
    },
    async next() {
      while (come.length === 0) {
        if (failure) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return come.shift() as AdsResponse;
    },
    pause: () => void call.pause(),
    resume: () => void call.resume(),
    [Symbol.dispose]() {
      call.cancel();
      client.close();
    },
  };
}
