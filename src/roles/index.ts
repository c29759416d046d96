/**
 * The one list of roles. A role's place in it gives its gRPC port on one machine (9090 + 100 × place), so a new role goes to
 * the end. See docs/roles.md for adding one.
 */
import type { Role } from "../agent/role.ts";
import discovery from "./discovery/index.ts";
import orchestrator from "./orchestrator/index.ts";
import security from "./security/index.ts";
import synthesis from "./synthesis/index.ts";
import testing from "./testing/index.ts";

export const roles: readonly Role[] = Object.freeze([orchestrator, testing, security, synthesis, discovery]);
