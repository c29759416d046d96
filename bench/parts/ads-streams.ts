/** Clients of a control plane, any number of them in one process: each a connection with an ADS stream that acknowledges what comes. */

import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { messageType } from "../../src/discovery/envoy/protos.ts";
import { typeUrlOf } from "../../src/discovery/envoy/resources.ts";
import { nowMicros } from "../support/now.ts";
import { roleName } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface AdsStreamsOptions {
  readonly address: string;
  readonly streams: number;
}

const { address, streams: count } = partOptions<AdsStreamsOptions>();
const service = "envoy.service.discovery.v3";
const path = `/${service}.AggregatedDiscoveryService/StreamAggregatedResources`;
const { serialize } = messageType(`${service}.DiscoveryRequest`);
const kinds = ["listener", "route", "cluster", "endpoints"] as const;
const clients: Client[] = [];
const calls: ClientDuplexStream<object, Buffer>[] = [];
let responses = 0;
/** What the first stream was sent. */
const seen: Buffer[] = [];
let awaited: { readonly responses: number; readonly resolve: (micros: number) => void } | undefined;

/** Resolves when it has been sent one of each kind. */
function connect(place: number): Promise<void> {
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const call = client.makeBidiStreamRequest(path, serialize, (raw: Buffer) => raw);
  clients.push(client);
  calls.push(call);
  const node = { id: `client-${place}`, user_agent_name: "bench", locality: {} };
  for (const [sent, kind] of kinds.entries())
    call.write({
      ...(sent === 0 && { node }),
      type_url: typeUrlOf(kind),
      resource_names: [roleName],
    });
  const whole = Promise.withResolvers<void>();
  let taken = 0;
  call.on("error", (error: Error & { code?: number }) => {
    if (error.code !== 1) throw error;
  });
  call.on("data", (raw: Buffer) => {
    const { version, nonce, typeUrl } = headOf(raw);
    call.write({
      version_info: version,
      type_url: typeUrl,
      response_nonce: nonce,
      resource_names: [roleName],
    });
    taken++;
    if (taken === kinds.length) whole.resolve();
    responses++;
    if (place === 0) seen.push(raw);
    if (awaited?.responses === responses) awaited.resolve(nowMicros());
  });
  return whole.promise;
}

/** A DiscoveryResponse without its resources, which a client of a thousand others in one process cannot afford to read. */
function headOf(raw: Buffer) {
  const reader = new BinaryReader(raw);
  const head = { version: "", typeUrl: "", nonce: "" };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) head.version = reader.string();
    else if (field === 4) head.typeUrl = reader.string();
    else if (field === 5) head.nonce = reader.string();
    else reader.skip(wireType);
  }
  return head;
}

/** Connects all; resolves when each has been told all. */
async function connectAll(): Promise<void> {
  const hundred = 100;
  for (let place = 0; place < count; place += hundred)
    await Promise.all(
      Array.from({ length: Math.min(hundred, count - place) }, (_, more) => connect(place + more)),
    );
}

servePart(
  {
    connectAll,
    /** When as many responses as there are streams have come from now on. */
    nextOfEach: () =>
      new Promise((resolve) => {
        awaited = { responses: responses + count, resolve };
      }),
    /** In base64: what the first stream was sent when it came, and last. */
    seen: () => ({
      first: seen.slice(0, kinds.length).map((raw) => raw.toString("base64")),
      last: seen.at(-1)?.toString("base64"),
    }),
  },
  () => {
    for (const call of calls) call.cancel();
    for (const client of clients) client.close();
  },
);
