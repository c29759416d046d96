/**
 * How many slots it takes for tasks that come by chance to start soon: Erlang's C formula for a queue with many servers, whose
 * arrivals are independent and whose service times are exponential (A. K. Erlang, 1917). Pure.
 */

/** The part of the tasks that must wait at all. `offered`: tasks a second times seconds of service; below `slots`. */
export function waitingPart(slots: number, offered: number): number {
  if (offered <= 0) return 0;
  if (offered >= slots) return 1;
  // Erlang's B, by its recursion, which does not overflow as the factorials do.
  let blocked = 1;
  for (let slot = 1; slot <= slots; slot++) blocked = (offered * blocked) / (slot + offered * blocked);
  return (slots * blocked) / (slots - offered * (1 - blocked));
}

/** How soon tasks should start: "95 % within 5 s". */
export interface WaitGoal {
  readonly seconds: number;
  /** Of the tasks, below 100. */
  readonly percent: number;
}

/** The part of the tasks that wait longer than `waitMs`. */
export function latePart(slots: number, offered: number, serviceMs: number, waitMs: number): number {
  if (offered >= slots) return 1;
  return waitingPart(slots, offered) * Math.exp((-(slots - offered) * waitMs) / serviceMs);
}

/** The fewest slots by which the goal is kept, `most` where that takes as many or more: the formula costs as much as there are slots. */
export function slotsFor(
  offered: number,
  serviceMs: number,
  { seconds, percent }: WaitGoal,
  most = Number.POSITIVE_INFINITY,
): number {
  if (offered <= 0) return 0;
  if (offered >= most) return most;
  const isKept = (slots: number) =>
    slots >= most || latePart(slots, offered, serviceMs, seconds * 1_000) <= 1 - percent / 100;
  // From above by doubling, then by halves: what is late shrinks with each slot.
  let enough = Math.floor(offered) + 1;
  let few = enough - 1;
  for (let step = 1; !isKept(enough); step *= 2) {
    few = enough;
    enough += step;
  }
  while (enough - few > 1) {
    const middle = Math.floor((enough + few) / 2);
    if (isKept(middle)) enough = middle;
    else few = middle;
  }
  return Math.min(enough, most);
}
