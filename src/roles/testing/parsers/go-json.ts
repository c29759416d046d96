/** The events of `go test -json`, one JSON object a line; pure. */
import type { TestCase } from "../report.ts";
import { failureFrom } from "./failure.ts";

interface GoEvent {
  readonly Action: string;
  readonly Package?: string;
  readonly ImportPath?: string;
  readonly Test?: string;
  readonly Elapsed?: number;
  readonly Output?: string;
  readonly FailedBuild?: string;
}

const statuses: Readonly<Record<string, TestCase["status"]>> = {
  pass: "passed",
  fail: "failed",
  skip: "skipped",
};

/** The line that a person would have seen; undefined for an event that prints nothing. */
export function goLine(line: string): string | undefined {
  const event = eventOf(line);
  return event ? event.Output?.replace(/\n$/, "") : line;
}

/** Leaf tests, and a package that failed without any failed test of its own, such as one that does not compile. */
export function parseGoJson(output: string): TestCase[] {
  const events = output
    .split("\n")
    .map(eventOf)
    .filter((event) => event !== undefined);
  const printed = Map.groupBy(
    events.filter((event) => event.Output !== undefined),
    (event) => keyOf(event.Package ?? event.ImportPath, event.Test),
  );
  const textOf = (key: string): string => (printed.get(key) ?? []).map((event) => event.Output).join("");
  const ended = events.filter((event) => event.Action in statuses);
  const isParent = parentsIn(ended);
  const tests = ended.filter((event) => event.Test !== undefined && !isParent(event));
  const failedPackages = new Set(
    tests.filter((event) => event.Action === "fail").map((event) => event.Package),
  );
  const broken = ended.filter(
    (event) => event.Test === undefined && event.Action === "fail" && !failedPackages.has(event.Package),
  );
  return [
    ...tests.map((event) => caseOf(event, textOf(keyOf(event.Package, event.Test)))),
    ...broken.map((event) => caseOf(event, textOf(keyOf(event.FailedBuild)) + textOf(keyOf(event.Package)))),
  ];
}

function caseOf(event: GoEvent, output: string): TestCase {
  const status = statuses[event.Action]!;
  const details = output.replace(/^\s*(===|---) .*\n?/gm, "");
  return {
    name: event.Test ?? `package ${event.Package}`,
    suite: event.Package,
    status,
    durationMs: (event.Elapsed ?? 0) * 1_000,
    failure: status === "failed" ? failureFrom(undefined, details.replace(/^# .*\n/, "")) : undefined,
  };
}

/** Tells tests that only sum up their subtests; one that failed while its subtests passed has a fault of its own. */
function parentsIn(ended: readonly GoEvent[]): (event: GoEvent) => boolean {
  const parents = { all: new Set<string>(), failed: new Set<string>() };
  for (const event of ended) {
    const parts = event.Test?.split("/") ?? [];
    for (let depth = 1; depth < parts.length; depth += 1) {
      const key = keyOf(event.Package, parts.slice(0, depth).join("/"));
      parents.all.add(key);
      if (event.Action === "fail") parents.failed.add(key);
    }
  }
  return (event) => parents[event.Action === "fail" ? "failed" : "all"].has(keyOf(event.Package, event.Test));
}

function keyOf(place: string | undefined, test?: string): string {
  return `${place} ${test ?? ""}`;
}

function eventOf(line: string): GoEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const event = JSON.parse(line) as GoEvent;
    return typeof event.Action === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}
