/**
 * How a server shuts down, whatever transport it serves: no new calls; those in flight may end in their time; the rest are told
 * SERVER_DRAINING, so that their callers go to another replica; what has not ended then is cut.
 */
import { MeshError } from "../core/errors.ts";

/**
 * How long streams that only answer (someone watches a task) hold up a shutdown: most would never end by themselves, and a
 * watcher goes on at another replica from where it was.
 */
export const watchersMsMax = 1_000;

/** How long calls that were told to end have for it. */
export const farewellMs = 250;

/** What calls are told that a server which shuts down cannot wait for. */
export function draining(): MeshError {
  return new MeshError(
    "SERVER_DRAINING",
    "the server is shutting down; call again: another replica, or later",
  );
}
