/** Whatever a `test` script runs that no other runner knows. */
import { parseAny } from "../parsers/any.ts";
import type { Runner } from "./runner.ts";
import { scriptCommand, testScript } from "./script.ts";

export const npmScript: Runner = {
  name: "npm test",
  looksFor: "a `test` script in package.json",
  plan: (facts) =>
    facts.command !== undefined || testScript(facts) === undefined
      ? undefined
      : { runner: "npm test", command: scriptCommand(facts), looksForXml: true, parse: parseAny },
};
