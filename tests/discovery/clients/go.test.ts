/** grpc-go finds and balances over our replicas by our control plane. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { clientContract } from "./contract.ts";

const source = join(import.meta.dirname, "go");
/** Where go.mod's modules are here or can be had, which a machine without network has not. */
const isThere = spawnSync("go", ["mod", "download"], { cwd: source }).status === 0;
const folder = mkdtempSync(join(tmpdir(), "agentmesh-go-client-"));
const client = join(folder, "client");
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!isThere)("grpc-go (needs go, and the modules of go.mod)", () => {
  beforeAll(() => {
    const { status, stderr } = spawnSync("go", ["build", "-o", client, "."], {
      cwd: source,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }, 300_000);
  clientContract([client]);
});
