import { describe, expect, test } from "vitest";
import { LogEntry } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkRequest } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { failureOf } from "../../src/agent/failure.ts";
import { Outgoing } from "../../src/agent/outgoing.ts";
import { chunkEntries, lineEntry, progressEntry, usageEntry } from "../../src/agent/task-log.ts";
import { MeshError, RetryableError, TerminalError } from "../../src/core/errors.ts";
import { toPayload } from "../../src/core/payload.ts";

describe("what a handler threw", () => {
  test.each<[string, unknown, object, number | undefined]>([
    [
      "a terminal error",
      new TerminalError("NO_TESTS", "none"),
      { kind: "NO_TESTS", retryable: false, message: "none" },
      undefined,
    ],
    [
      "a retryable one",
      new RetryableError("BUSY", "wait", { delayMs: 50 }),
      { kind: "BUSY", retryable: true },
      50,
    ],
    [
      "one that is late by no number",
      new RetryableError("BUSY", "", { delayMs: Number.NaN }),
      { kind: "BUSY", message: "BUSY" },
      undefined,
    ],
    ["one that is late by less than nothing", new RetryableError("BUSY", "", { delayMs: -5 }), {}, 0],
    [
      "one that is late for ever",
      new RetryableError("BUSY", "", { delayMs: Number.MAX_VALUE }),
      {},
      31_622_400_000,
    ],
    ["any error", new Error("oh"), { kind: "ROLE_ERROR", retryable: true, message: "oh" }, undefined],
    ["a text", "just words", { kind: "ROLE_ERROR", message: "just words" }, undefined],
    ["nothing", undefined, { kind: "ROLE_ERROR", message: "undefined" }, undefined],
    ["what has no text", Object.create(null), { kind: "ROLE_ERROR" }, undefined],
    [
      "an outage of the mesh",
      new MeshError("SERVER_UNREACHABLE", "x"),
      { kind: "SERVER_UNREACHABLE", retryable: true },
      undefined,
    ],
    [
      "a child's failure",
      new MeshError("TASK_FAILED", "x"),
      { kind: "TASK_FAILED", retryable: false },
      undefined,
    ],
    [
      "a kind in another case",
      new TerminalError("noTests found!", ""),
      { kind: "NO_TESTS_FOUND_" },
      undefined,
    ],
    [
      "a kind that is none",
      new TerminalError("42 !", ""),
      { kind: "ROLE_ERROR", retryable: false },
      undefined,
    ],
    ["a long kind", new TerminalError("K".repeat(100), ""), { kind: "K".repeat(64) }, undefined],
  ])("%s", (_, thrown, wanted, delayMs) => {
    const { error, retryDelayMs } = failureOf(thrown);
    expect(error).toMatchObject(wanted);
    expect(error.kind).toMatch(/^[A-Z][A-Z0-9_]{0,63}$/);
    expect(retryDelayMs).toBe(delayMs);
  });

  test("a message and a stack without end are cut", () => {
    const { error } = failureOf(new Error("x".repeat(10_000_000)));
    expect(error.message.length + error.detail.length).toBeLessThan(10_000);
  });
});

describe("what a handler tells", () => {
  test("a huge line is cut, and says by how much", () => {
    const { entry } = lineEntry("x".repeat(1_000_000), "info");
    const text = entry?.$case === "line" ? entry.value.text : "";
    expect(text.length).toBeLessThan(8_300);
    expect(text).toMatch(/… \(991808 more characters\)$/);
    expect(LogEntry.encode(lineEntry("€".repeat(1_000_000), "info")).finish().length).toBeLessThan(65_536);
  });

  test("a huge chunk becomes several, in order", () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, nth) => nth % 251));
    const data = chunkEntries(bytes).map(({ entry }) =>
      entry?.$case === "chunk" ? entry.value.data : Buffer.of(),
    );
    expect(Buffer.concat(data)).toEqual(bytes);
    expect(data.every(({ length }) => length <= 32_768)).toBe(true);
    expect(chunkEntries("")).toEqual([]);
  });

  test.each([
    [2, 1],
    [-1, 0],
    [Number.NaN, 0],
    [0.25, 0.25],
  ])("progress %d is told as %d", (given, told) => {
    expect(progressEntry(given).entry?.value).toMatchObject({ fraction: told });
  });

  test.each([
    [
      { tokens: 1.6, usd: 0.5 },
      { tokens: 2, usdMicros: 500_000 },
    ],
    [
      { tokens: -3, usd: Number.NaN },
      { tokens: 0, usdMicros: 0 },
    ],
    [{ tokens: Number.POSITIVE_INFINITY }, { tokens: 0, usdMicros: 0 }],
    [{}, { tokens: 0, usdMicros: 0 }],
  ])("usage %j can be written", (given, told) => {
    expect(usageEntry(given).entry?.value).toEqual(told);
    LogEntry.encode(usageEntry(given));
  });
});

describe("what waits to leave", () => {
  const term = { taskId: "a.b", fence: 1 };
  const sizes = (outgoing: Outgoing) => {
    const messages: WorkRequest[] = [];
    for (let next = outgoing.take(); next; next = outgoing.take()) messages.push(next);
    return { messages, bytes: messages.map((message) => WorkRequest.encode(message).finish().length) };
  };

  test("small parts share a message", () => {
    const outgoing = new Outgoing();
    outgoing.push({ credit: 1, renew: [term] });
    outgoing.push({ credit: 2, drain: true });
    const { messages } = sizes(outgoing);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ credit: 3, drain: true, renew: [term] });
  });

  test("fifty outputs of a megabyte come in messages that a server takes, in order", () => {
    const outgoing = new Outgoing();
    const output = toPayload({ text: "x".repeat(1_000_000) });
    const finish = Array.from({ length: 50 }, (_, nth) => ({
      term: { taskId: "a.b", fence: nth },
      result: { $case: "succeeded" as const, value: { output } },
      usage: undefined,
    }));
    outgoing.push({ finish });
    const { messages, bytes } = sizes(outgoing);
    expect(Math.max(...bytes)).toBeLessThan(5_000_000);
    expect(messages.flatMap((message) => message.finish.map((outcome) => outcome.term?.fence))).toEqual(
      finish.map((_, nth) => nth),
    );
  });

  test("of log entries without end the newest are kept, and all else", () => {
    const outgoing = new Outgoing();
    for (let nth = 0; nth < 10_000; nth++)
      outgoing.push({
        append: [{ term: { ...term, fence: nth }, entries: [lineEntry("x".repeat(4_000), "info")] }],
        credit: 1,
      });
    const { messages, bytes } = sizes(outgoing);
    const kept = messages.flatMap((message) => message.append.map((append) => append.term?.fence));
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(20_000_000);
    expect(kept.at(-1)).toBe(9_999);
    expect(kept.length).toBeGreaterThan(1_000);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, nth) => 10_000 - kept.length + nth));
    expect(messages.reduce((sum, { credit }) => sum + credit, 0)).toBe(10_000);
  });
});
