import fc from "fast-check";
import { expect, test } from "vitest";
import { runRole } from "../../../src/agent/run-role.ts";
import synthesis, { type SynthesisReport } from "../../../src/roles/synthesis/index.ts";
import { synthesize } from "../../../src/roles/synthesis/synthesize.ts";
import { failed, passed, securityReport, testReport } from "./reports.ts";

const sections = {
  notes: { words: ["``` ends", 2] },
  tests: testReport([failed, passed]),
  scan: securityReport(["critical", "low"]),
  docs: { error: { kind: "ROLE_ERROR", message: "the model said\nno" } },
};

test("the report reads well", async () => {
  const { output, logs } = await runRole<SynthesisReport>(synthesis, { repository: "/srv/shop", sections });
  expect(output.summary).toBe(
    "This fails: did not finish: the model said no (docs); 1 critical, 1 low findings (scan); 1 of 2 tests failed (tests). Besides: finished, with the output shown below (notes).",
  );
  expect(logs).toEqual([{ level: "info", line: `fail: ${output.summary}` }]);
  expect(output.markdown).toMatchInlineSnapshot(`
    "# Report on shop

    **Verdict: fail.** This fails: did not finish: the model said no (docs); 1 critical, 1 low findings (scan); 1 of 2 tests failed (tests). Besides: finished, with the output shown below (notes).

    Repository: \`/srv/shop\`

    | Section | Verdict | In short | Took |
    | --- | --- | --- | --- |
    | docs | fail | did not finish: the model said no |  |
    | scan | fail | 1 critical, 1 low findings | 840 ms |
    | tests | fail | 1 of 2 tests failed | 1.2 s |
    | notes | pass | finished, with the output shown below |  |

    ## docs: fail

    Did not finish: \`ROLE_ERROR\`, the model said no

    ## scan: fail

    | Severity | Place | Finding | Rule |
    | --- | --- | --- | --- |
    | critical | \`src/a.ts:1\` | eval | \`code/no-eval\` |
    | low | \`src/a.ts:2\` | eval | \`code/no-eval\` |

    How to mend them:

    - \`code/no-eval\`: Do without eval: JSON.parse for data, a table of functions for choices.

    Dependencies: 9 packages in \`package-lock.json\`: 2 direct, 7 transitive, 4 for development alone.

    ## tests: fail

    2 tests: 1 passed, 1 failed, 0 skipped. Run by vitest as \`npx vitest run\`.

    | Failing test | Place | Message |
    | --- | --- | --- |
    | math > subtracts | \`test/math.test.ts:12\` | expected 1 &#124; got 2 see above |

    math > subtracts:

    \`\`\`text
    + 1
    - 2
    \`\`\`

    ## notes: pass

    \`\`\`\`json
    {
      "words": [
        "\`\`\` ends",
        2
      ]
    }
    \`\`\`\`

    ## Not looked at

    - docs: all that it would have looked at
    - scan: no scanner for Python (3 files)
    - scan: \`bad.ts\` cannot be parsed: Unexpected token (1:6)
    - scan: files and directories skipped: 1 binary
    - scan: known vulnerabilities of dependencies (not checked)
    - scan: the repository's history
    "
  `);
});

test("the data are for programs: short, and without what only people need", async () => {
  const { output } = await runRole<SynthesisReport>(synthesis, { sections });
  expect(output.data.counts).toEqual({ fail: 3, attention: 0, pass: 1 });
  expect(output.data.sections.tests).toEqual({
    kind: "testing",
    verdict: "fail",
    headline: "1 of 2 tests failed",
    durationMs: 1_234,
    details: {
      counts: { passed: 1, failed: 1, skipped: 0, total: 2 },
      failing: [{ name: "math > subtracts", place: "test/math.test.ts:12" }],
    },
  });
  expect(output.data.sections.scan!.details).toMatchObject({
    findings: [
      { severity: "critical", file: "src/a.ts", line: 1, rule: "code/no-eval" },
      { severity: "low", file: "src/a.ts", line: 2, rule: "code/no-eval" },
    ],
  });
});

test("the order in which sections come makes no difference", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(Object.entries(sections), { minLength: 4 }), (entries) => {
      expect(synthesize({ sections: Object.fromEntries(entries) })).toEqual(synthesize({ sections }));
    }),
  );
});

/** Zod drops this one key of a record, and no node may have it as its name. */
const nodeName = fc.string({ unit: "binary" }).filter((name) => name !== "__proto__");

test("takes any sections", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(nodeName, fc.jsonValue()), async (any) => {
      const { output } = await runRole<SynthesisReport>(synthesis, { sections: any });
      expect(Object.keys(output.data.sections)).toHaveLength(Object.keys(any).length);
    }),
  );
});

test("a report has a bounded size: sections beyond it are counted", () => {
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`node ${index}`, "x".repeat(5_000)]),
  );
  const { markdown } = synthesize({ sections: many });
  expect(markdown.length).toBeLessThan(350_000);
  expect(markdown).toMatch(/\d+ more sections would not fit in here\./);
});

test("unknown and missing fields of the input are refused", async () => {
  for (const input of [{}, { sections: [] }, { sections: {}, titel: "x" }])
    await expect(runRole(synthesis, input)).rejects.toThrow();
});
