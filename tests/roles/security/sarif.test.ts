import fc from "fast-check";
import { expect, test } from "vitest";
import { rank, severities, toFinding } from "../../../src/roles/security/finding.ts";
import { rules } from "../../../src/roles/security/rules.ts";
import { SarifLog, toSarif } from "../../../src/roles/security/sarif.ts";

const anyFinding = fc
  .record({
    rule: fc.oneof(fc.constantFrom(...Object.keys(rules)), fc.string({ minLength: 1 })),
    file: fc.string({ unit: "binary", minLength: 1 }),
    line: fc.integer({ min: 1, max: 1_000_000 }),
    column: fc.integer({ min: 1, max: 10_000 }),
    message: fc.string({ unit: "binary" }),
    severity: fc.constantFrom(...severities, undefined),
  })
  .map((raw) => toFinding("code", raw));

test("any findings give valid SARIF", () => {
  fc.assert(
    fc.property(fc.array(anyFinding), (findings) => {
      const log = SarifLog.parse(JSON.parse(JSON.stringify(toSarif(findings))));
      const { tool, results } = log.runs[0];
      expect(results).toHaveLength(findings.length);
      const ids = tool.driver.rules.map((rule) => rule.id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [index, result] of results.entries()) {
        expect(ids[result.ruleIndex]).toBe(result.ruleId);
        const { uri } = result.locations[0].physicalLocation.artifactLocation;
        // A relative reference: resolved against a root, it stays the same path below it.
        expect(uri).toMatch(/^[\w.!~*'()%/-]+$/);
        expect(decodeURIComponent(uri)).toBe(findings[index]!.file.toWellFormed());
      }
    }),
  );
});

test("severity becomes a level and the number that code hosts sort by", () => {
  const findings = severities.map((severity, index) =>
    toFinding("code", {
      rule: "code/no-eval",
      file: "a b/ü.js",
      line: index + 1,
      column: 1,
      message: "m",
      severity,
    }),
  );
  const { results } = toSarif(findings).runs[0];
  expect(results.map((result) => [result.level, result.properties["security-severity"]])).toEqual([
    ["error", "9.5"],
    ["error", "8.0"],
    ["warning", "5.5"],
    ["note", "2.0"],
    ["note", "0.0"],
  ]);
  expect(results[0]!.locations[0].physicalLocation.artifactLocation.uri).toBe("a%20b/%C3%BC.js");
});

test("ranking keeps the worst, counts all, and does not hang on the order of what it is given", () => {
  fc.assert(
    fc.property(fc.array(anyFinding), fc.nat(20), (findings, findingsMax) => {
      const ranked = rank(findings, { findingsMax, bytesMax: 1_000_000 });
      const distinct = new Set(findings.map((finding) => finding.id)).size;
      expect(ranked.kept.length).toBe(Math.min(findingsMax, distinct));
      expect(ranked.kept.length + ranked.omitted).toBe(distinct);
      expect(Object.values(ranked.counts).reduce((sum, count) => sum + count, 0)).toBe(distinct);
      const order = ranked.kept.map((finding) => severities.indexOf(finding.severity));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }),
  );
});
