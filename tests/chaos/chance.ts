/** Chance that a seed repeats: the same seed gives the same numbers, on any machine. */

export type Chance = () => number;

/** Numbers in [0, 1), by mulberry32: small, and good enough to choose faults by. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A number from `min` up to `max`. */
export function between(chance: Chance, min: number, max: number): number {
  return min + chance() * (max - min);
}

/** One of the values; there must be one. */
export function oneOf<Value>(chance: Chance, values: readonly Value[]): Value {
  return values[Math.floor(chance() * values.length)] as Value;
}
