/** Debian's grpcio of Python finds and balances over our replicas by our control plane. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe } from "vitest";
import { clientContract } from "./contract.ts";

/** Debian's own: another Python may have no grpcio. */
const python = "/usr/bin/python3";
const isThere = spawnSync(python, ["-c", "import grpc"]).status === 0;

describe.skipIf(!isThere)("grpcio of Python (needs Debian's python3-grpcio)", () => {
  clientContract([python, join(import.meta.dirname, "client.py")], { ringHash: false });
});
