/** The choice of least request, pure: of a few replicas drawn by chance, the one with the fewest calls in flight. */

export interface Choosable {
  /** Calls that have begun and not ended. */
  readonly inFlight: number;
}

/**
 * Draws `choices` of the replicas, each as likely as another, and takes the least busy one; of several the first that was
 * drawn, which is as likely to be any of them. Two choices come near to knowing all, without a herd that runs to one replica.
 * `random` is from 0 (included) to 1.
 */
export function leastRequested<Replica extends Choosable>(
  replicas: readonly Replica[],
  choices: number,
  random: () => number,
): Replica | undefined {
  let chosen: Replica | undefined;
  let first = -1;
  for (let drawn = 0; drawn < Math.min(choices, replicas.length); drawn++) {
    // Of two the second is another than the first: a replica that is compared with itself is no choice.
    const others = drawn === 1 ? replicas.length - 1 : replicas.length;
    let index = Math.floor(random() * others);
    if (drawn === 1 && index >= first) index++;
    if (drawn === 0) first = index;
    const replica = replicas[index] as Replica;
    if (chosen === undefined || replica.inFlight < chosen.inFlight) chosen = replica;
  }
  return chosen;
}
