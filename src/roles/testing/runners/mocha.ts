/** Mocha: TAP, for people and the parser alike. */
import { looksLikeTap, parseTap } from "../parsers/tap.ts";
import type { Runner } from "./runner.ts";
import { toolCommand, usesTool } from "./script.ts";

export const mocha: Runner = {
  name: "mocha",
  looksFor: "mocha in package.json or .mocharc.*",
  plan: (facts) => {
    const use = usesTool(facts, "mocha");
    if (!use) return undefined;
    return {
      runner: "mocha",
      // Mocha has one reporter at a time; TAP serves people and the parser.
      command: toolCommand(facts, use, { direct: ["node_modules/.bin/mocha"], added: ["--reporter", "tap"] }),
      reportsOnStdout: true,
      parse: ({ stdout }) => (looksLikeTap(stdout) ? parseTap(stdout) : undefined),
    };
  },
};
