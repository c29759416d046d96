/** How long a failure may ask to be left alone, in whole milliseconds: what is over the limit is cut to it. */
import { limits } from "./limits.ts";

export function retryDelayOf(ms: number): number {
  return Math.min(limits.delayMsMax, Math.max(0, Math.round(ms)));
}
