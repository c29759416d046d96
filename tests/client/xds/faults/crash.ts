/** A process that calls through grpc-js-xds for two seconds: `crash.ts BOOTSTRAP`. */
import { RawClient } from "./raw.ts";

const client = new RawClient(JSON.parse(process.argv[2] ?? ""));
const endMs = Date.now() + 2_000;
while (Date.now() < endMs) await client.call(200);
client[Symbol.dispose]();
process.exit(0);
