/** What is known of a role's work when its scale is decided. */

export interface RoleLoad {
  /** Tasks that could run now. */
  readonly queued: number;
  /** SCHEDULED tasks that are due before a new replica could be there. */
  readonly scheduledSoon: number;
  readonly running: number;
  /** Of the task that has been QUEUED longest; 0: none waits. */
  readonly oldestWaitMs: number;
  /** Tasks a second that came in, over the last minute. */
  readonly arrivalPerSecond: number;
  /** Tasks a second that ended, over the last minute. */
  readonly servicePerSecond: number;
  /** How long a task runs; undefined: none has ended lately. */
  readonly serviceMs: number | undefined;
}

export const idleLoad: RoleLoad = Object.freeze({
  queued: 0,
  scheduledSoon: 0,
  running: 0,
  oldestWaitMs: 0,
  arrivalPerSecond: 0,
  servicePerSecond: 0,
  serviceMs: undefined,
});

/**
 * How long a task runs, by Little's law: as many run on average as come to their end in that time. Undefined where none ended, or
 * none ran when it was looked.
 */
export function serviceMsOf(runningMean: number, servicePerSecond: number): number | undefined {
  return runningMean > 0 && servicePerSecond > 0 ? (runningMean / servicePerSecond) * 1_000 : undefined;
}
