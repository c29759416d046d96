/** What one check of the doctor is, and what it finds. */
import type { Command } from "commander";
import type { Role } from "../../agent/role.ts";
import type { LoadedConfig } from "../../core/config/load.ts";

export type Health = "ok" | "warn" | "fail";

export interface Finding {
  readonly health: Health;
  /** What was looked at, in a word or two. */
  readonly what: string;
  /** What was found, in a line. */
  readonly found: string;
  /** Where it is not ok: what to do. */
  readonly wayOut?: string;
}

/** What checks look at: this machine as `agentmesh up` would find it. */
export interface Patient {
  readonly self: Command;
  readonly loaded: LoadedConfig;
  readonly roles: readonly Role[];
}

/** A throw counts as a finding of health "fail". */
export type Check = (patient: Patient) => Promise<readonly Finding[]>;

export function ok(what: string, found: string): Finding {
  return { health: "ok", what, found };
}

export function warn(what: string, found: string, wayOut: string): Finding {
  return { health: "warn", what, found, wayOut };
}

export function fail(what: string, found: string, wayOut: string): Finding {
  return { health: "fail", what, found, wayOut };
}
