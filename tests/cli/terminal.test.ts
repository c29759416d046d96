/** What people see, without a terminal: text made harmless, tables that fit, frames of the live view. */
import { describe, expect, it } from "vitest";
import { LogLine_Level, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { Workflow } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { colorsFor, table } from "../../src/cli/output.ts";
import { RunProgress } from "../../src/cli/run-progress.ts";
import { runTable } from "../../src/cli/run-table.ts";
import { inputFields } from "../../src/cli/task-input.ts";
import { cutTo, padded, plainLine, shownDuration, widthOf, wrapped } from "../../src/cli/terminal-text.ts";

const colors = colorsFor({ isTTY: false });

describe("text for a terminal", () => {
  it("does nothing: no colours, no cursor moves, no turned directions", () => {
    expect(plainLine("\u001b[31mred\u001b[0m\u001b[2J a\tb\r\u202ec")).toBe("red a  b  c");
  });

  it("is measured in columns", () => {
    expect(widthOf("ab")).toBe(2);
    expect(widthOf("日本")).toBe(4);
    expect(widthOf("e\u0301")).toBe(1);
    expect(cutTo("abcdef", 4)).toBe("abc…");
    expect(widthOf(cutTo("日本語日本語", 5))).toBeLessThanOrEqual(5);
    expect(padded("ab", 4)).toBe("ab  ");
    expect(wrapped("one two three", 7)).toEqual(["one two", "three"]);
  });

  it.each([
    [0, "0.0s"],
    [12_345, "12.3s"],
    [59_990, "1m00s"],
    [245_000, "4m05s"],
    [7_380_000, "2h03m"],
    [100 * 3_600_000, "4d4h"],
  ])("shows %d ms as %s", (ms, shown) => expect(shownDuration(ms)).toBe(shown));
});

describe("a table", () => {
  it("fits its width: only columns that may give way do", () => {
    const rows = [{ id: "testing.01kabcxyz", title: "a".repeat(100) }];
    const text = table(
      [
        { head: "ID", cell: (row) => row.id },
        { head: "TITLE", cell: (row) => row.title, least: 4 },
      ],
      rows,
      { width: 40, colors },
    );
    for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(40);
    expect(text).toContain("testing.01kabcxyz");
  });
});

describe("a frame of the live view", () => {
  const workflow = Workflow.fromPartial({
    spec: { name: "review" },
    nodes: [{ name: "tests" }, { name: "report", needs: ["tests"] }],
  });
  const at = (ms: number) => ({ sequence: 1, time: new Date(ms) });
  const state = (value: TaskState) =>
    ({ $case: "state", value: { state: value, attempt: 1, reason: "", workerId: "" } }) as const;

  it("shows each node's state, progress, time and newest line, in the terminal's width", () => {
    const progress = new RunProgress(workflow);
    progress.take("report", { ...at(0), entry: state(TaskState.BLOCKED) });
    progress.take("tests", { ...at(1_000), entry: state(TaskState.RUNNING) });
    progress.take("tests", {
      ...at(1_100),
      entry: { $case: "progress", value: { fraction: 0.5, message: "" } },
    });
    const line = { level: LogLine_Level.INFO, text: `\u001b[2J${"long ".repeat(50)}` };
    progress.take("tests", { ...at(1_200), entry: { $case: "line", value: line } });
    const frame = { nowMs: 3_500, startedMs: 500, columns: 80, colors };
    const text = runTable(progress, frame);
    expect(text).toMatch(/tests +━{6}╌{6} +2\.5s {2}long long/);
    expect(text).toMatch(/· report .* waits for tests/);
    expect(text).toMatch(/review: 0 of 2 done, 3\.0s/);
    for (const one of text.split("\n")) expect(widthOf(one)).toBeLessThanOrEqual(80);
    progress.take("tests", { ...at(4_000), entry: state(TaskState.SUCCEEDED) });
    expect(runTable(progress, { ...frame, nowMs: 9_000 })).toMatch(/✔ tests +━{12} +3\.0s/);
  });
});

describe("--input", () => {
  it("takes text, JSON and paths", () => {
    const said = ["name=a=b", "count:=3", "repository=.", "other=../x", "plain=.hidden", "at=/abs"];
    expect(inputFields(said, "/srv/app")).toEqual({
      ...{ name: "a=b", count: 3, repository: "/srv/app", other: "/srv/x" },
      ...{ plain: ".hidden", at: "/abs" },
    });
  });
});
