/** Chooses the sandbox of this machine. */
import type { Sandbox } from "./sandbox.ts";

export interface OpenSandboxOptions {
  /** The user's own word that commands may run without walls where the machine has none. */
  readonly allowUncontained?: boolean;
}

export async function openSandbox(_options: OpenSandboxOptions = {}): Promise<Sandbox> {
  throw new Error("being written");
}
