/** JUnit XML, as node:test, pytest, Maven, Gradle, ctest and most others write it; pure. */
import { XMLParser } from "fast-xml-parser";
import type { TestCase } from "../report.ts";
import { failureFrom } from "./failure.ts";

interface Element {
  readonly [key: string]: unknown;
}

const parser = () =>
  new XMLParser({
    ignoreAttributes: false,
    // A prefix keeps apart an attribute and an element of one name; node:test writes `failure` as both.
    attributeNamePrefix: "@",
    textNodeName: "text",
    // Numeric references too: node:test writes line ends in attributes as &#10;.
    htmlEntities: true,
    parseTagValue: false,
    parseAttributeValue: false,
    alwaysCreateTextNode: true,
    isArray: (name) => ["testsuite", "testcase", "failure", "error", "skipped"].includes(name),
  });

/** The test cases of one file. Throws when the text is no XML, or has no test suite in it. */
export function parseJunit(xml: string): TestCase[] {
  const root = parser().parse(xml, true) as Element;
  const top = (root.testsuites ?? root) as Element;
  if (root.testsuites === undefined && root.testsuite === undefined) throw new Error("no <testsuite> in it");
  return casesOf(top, []);
}

function casesOf(element: Element, path: readonly string[], file?: string): TestCase[] {
  const own = children(element, "testcase").map((testcase) => caseOf(testcase, path, file));
  const nested = children(element, "testsuite").flatMap((suite) =>
    casesOf(suite, [...path, attribute(suite, "name") ?? ""], attribute(suite, "file") ?? file),
  );
  return [...own, ...nested];
}

function caseOf(testcase: Element, path: readonly string[], suiteFile: string | undefined): TestCase {
  const file = attribute(testcase, "file") ?? suiteFile;
  const fault = children(testcase, "failure")[0] ?? children(testcase, "error")[0];
  const skipped = children(testcase, "skipped").length > 0;
  return {
    name: attribute(testcase, "name") || "unnamed",
    suite: suiteOf(attribute(testcase, "classname"), path),
    file,
    status: fault ? "failed" : skipped ? "skipped" : "passed",
    durationMs: Math.round(Number(attribute(testcase, "time") ?? 0) * 1_000_000) / 1_000 || 0,
    failure: fault && failureFrom(attribute(fault, "message"), textOf(fault), file),
  };
}

/** Nested suites say more than a class name; a flat file (pytest's) has it in the class name alone. */
function suiteOf(classname: string | undefined, path: readonly string[]): string | undefined {
  const named = classname && classname !== "test" ? classname : undefined;
  return (path.length > 1 ? path.join(" > ") : (named ?? path[0])) || undefined;
}

function children(element: Element, name: string): Element[] {
  return ((element[name] as unknown[] | undefined) ?? []).filter(
    (child) => typeof child === "object",
  ) as Element[];
}

function attribute(element: Element, name: string): string | undefined {
  const value = element[`@${name}`];
  return value === undefined ? undefined : String(value);
}

function textOf(element: Element): string {
  return String(element.text ?? "");
}
