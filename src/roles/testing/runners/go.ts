/** Go: `go test -json`, whose output is the report. */
import { goLine, parseGoJson } from "../parsers/go-json.ts";
import type { Runner } from "./runner.ts";
import { toolCommand, usesTool } from "./script.ts";

export const go: Runner = {
  name: "go",
  looksFor: "go.mod with *_test.go",
  plan: (facts) => {
    const use = usesTool(facts, "go test");
    const byFiles = facts.files.includes("go.mod") && facts.files.some((file) => file.endsWith("_test.go"));
    if (!use && !byFiles) return undefined;
    return {
      runner: "go",
      command: toolCommand(facts, use ?? "direct", { direct: ["go", "test", "./..."], added: ["-json"] }),
      reportsOnStdout: true,
      parse: ({ stdout }) => (stdout.includes('{"') ? parseGoJson(stdout) : undefined),
      shown: goLine,
    };
  },
};
