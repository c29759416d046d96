/** The list of scanners. */
import { dependencies } from "./dependencies/index.ts";
import { riskyCode } from "./risky-code.ts";
import type { Scanner } from "./scanner.ts";
import { secrets } from "./secrets.ts";

export const scanners: readonly Scanner[] = [secrets, riskyCode, dependencies];
