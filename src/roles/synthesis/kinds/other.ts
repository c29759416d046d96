/** Any other output, shown as the JSON that it is. */
import { fenced } from "../markdown.ts";
import type { SectionKind } from "../section.ts";

/** Characters shown. */
const shownMax = 4_000;

export const other: SectionKind = {
  name: "other",
  read(output) {
    const json = (JSON.stringify(output, null, 2) ?? "null").toWellFormed();
    const isCut = json.length > shownMax;
    const shown = isCut
      ? `${json.slice(0, shownMax).toWellFormed()}\n… ${json.length - shownMax} more characters`
      : json;
    return {
      verdict: "pass",
      headline:
        output === null || output === undefined ? "no output" : "finished, with the output shown below",
      body: output === null || output === undefined ? "" : fenced(shown, isCut ? "text" : "json"),
      notLookedAt: [],
      details: { characters: json.length },
    };
  },
};
