/** Money: US dollars as the house counts, and the contract's whole millionths of one. */
const microsPerUsd = 1_000_000;

export function usdToMicros(usd: number): number {
  return Math.round(usd * microsPerUsd);
}

export function microsToUsd(micros: number): number {
  return micros / microsPerUsd;
}
