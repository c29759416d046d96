import { parseAny } from "../parsers/any.ts";
import type { Runner } from "./runner.ts";
import { scriptCommand, testScript } from "./script.ts";

/** A `test` script that ends in no runner we know. */
export const npmScript: Runner = {
  name: "npm test",
  looksFor: "a `test` script in package.json",
  plan: (facts) =>
    facts.command !== undefined || testScript(facts) === undefined
      ? undefined
      : { runner: "npm test", command: scriptCommand(facts), looksForXml: true, parse: parseAny },
};
