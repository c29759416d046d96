/** Fails where gen/ is not what buf generates from proto/ now. Generates beside the tree, which it leaves alone. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const fresh = mkdtempSync(join(tmpdir(), "agentmesh-gen-"));
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { cwd: root, stdio: "inherit" }).status ?? 1;

let status = run("node_modules/.bin/buf", "generate", "-o", fresh);
if (status === 0) status = run("diff", "-r", "--brief", join(fresh, "gen"), "gen");
if (status !== 0) console.error("gen/ is stale: run `make gen` and commit it");
rmSync(fresh, { recursive: true });
process.exitCode = status;
