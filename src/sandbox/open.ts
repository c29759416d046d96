/** Chooses the sandbox of this machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "../core/errors.ts";
import { type BubblewrapOptions, bubblewrapSandbox } from "./bubblewrap.ts";
import type { Sandbox, SandboxLimits } from "./sandbox.ts";
import { uncontainedSandbox } from "./uncontained.ts";

export interface OpenSandboxOptions extends BubblewrapOptions {
  /** The user's own word that commands may run without walls where the machine has none; default false. */
  readonly allowUncontained?: boolean;
  /** Hold where a run names none of its own; default: the table in limits.ts. */
  readonly limits?: Partial<SandboxLimits>;
}

/** Looks once whether bubblewrap works here; keep the answer, the look costs some 10 ms. */
export async function openSandbox(options: OpenSandboxOptions = {}): Promise<Sandbox> {
  const walls = bubblewrapSandbox(options);
  const fault = await faultOf(walls);
  const { allowUncontained, limits } = options;
  return withLimits(
    chooseSandbox({ walls, open: uncontainedSandbox(options), fault, allowUncontained }),
    limits,
  );
}

/** The sandbox, with limits that hold where a run names none. */
function withLimits(sandbox: Sandbox, limits: Partial<SandboxLimits> = {}): Sandbox {
  return {
    containment: sandbox.containment,
    run: (command, options) => sandbox.run(command, { ...options, limits: { ...limits, ...options.limits } }),
  };
}

export interface SandboxChoice {
  readonly walls: Sandbox;
  readonly open: Sandbox;
  /** Why the walls do not work here; undefined where they do. */
  readonly fault: string | undefined;
  readonly allowUncontained?: boolean;
}

/** The walls where they work; else none where the user allowed that; else a sandbox that runs only what is trusted. */
export function chooseSandbox({ walls, open, fault, allowUncontained }: SandboxChoice): Sandbox {
  if (fault === undefined) return walls;
  if (allowUncontained) return open;
  return {
    containment: "none",
    run: async (command, options) => {
      if (!options.trusted) throw unavailable(fault);
      options.onLine?.(
        "agentmesh: no sandbox works on this machine; the shipped sample runs without walls",
        "stderr",
      );
      return open.run(command, options);
    },
  };
}

function unavailable(fault: string): MeshError {
  const message =
    `this machine cannot contain commands (${fault}): install bubblewrap (\`apt-get install bubblewrap\`, ` +
    "`dnf install bubblewrap`; Linux only, and user namespaces must be allowed), or start with " +
    "--allow-uncontained-commands, by which commands of repositories run with all of this user's rights: " +
    "they can read and change its files and reach the network";
  return new MeshError("SANDBOX_UNAVAILABLE", message);
}

/** Runs a command that does nothing; answers why it did not work. */
async function faultOf(sandbox: Sandbox): Promise<string | undefined> {
  const workspace = await mkdtemp(join(tmpdir(), "agentmesh-probe-"));
  try {
    const result = await sandbox.run(["true"], { workspace, limits: { timeMs: 10_000 } });
    return result.exitCode === 0
      ? undefined
      : `bwrap ended with ${result.exitCode ?? result.end}: ${result.stderr.trim()}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}
