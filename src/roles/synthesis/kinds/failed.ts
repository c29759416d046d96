/** A node that failed, and so left an error in place of an output. */
import { z } from "zod";
import { oneLine } from "../../security/text.ts";
import { code, prose } from "../markdown.ts";
import type { SectionKind } from "../section.ts";

const Failed = z.strictObject({ error: z.object({ kind: z.string(), message: z.string() }) });

/** Errors that say that there was nothing to do, which is no fault of the repository's code. */
const nothingToDo = new Set(["NO_TEST_RUNNER", "NO_TESTS"]);

export const failed: SectionKind = {
  name: "failed",
  read(output) {
    const parsed = Failed.safeParse(output);
    if (!parsed.success) return undefined;
    const { kind, message } = parsed.data.error;
    return {
      verdict: nothingToDo.has(kind) ? "attention" : "fail",
      headline: `did not finish: ${oneLine(message, 120) || kind}`,
      body: `Did not finish: ${code(kind)}, ${prose(message, 2_000)}`,
      notLookedAt: ["all that it would have looked at"],
      details: { error: { kind, message: oneLine(message, 500) } },
    };
  },
};
