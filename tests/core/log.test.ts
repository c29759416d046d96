import { describe, expect, test } from "vitest";
import { createLogger, type LoggerOptions, silentLogger } from "../../src/core/log.ts";

function logged(
  write: (log: ReturnType<typeof createLogger>) => void,
  options: Partial<LoggerOptions> = {},
): string {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  write(createLogger({ level: "info", format: "json", destination, ...options }));
  return lines.join("");
}

describe("JSON", () => {
  test("a line has the level as a word, ISO time, the fields and the message", () => {
    const line = JSON.parse(logged((log) => log.warn({ queue: "testing" }, "slow")));
    expect(line).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      queue: "testing",
      message: "slow",
    });
  });

  test("a child's lines carry its fields, and levels below the setting are dropped", () => {
    const text = logged((log) => {
      const child = log.child({ role: "testing" });
      child.debug({}, "not this");
      child.info({ task: "t" }, "this");
    });
    expect(JSON.parse(text)).toMatchObject({ role: "testing", task: "t", message: "this" });
  });

  test("an error keeps its message, stack and cause", () => {
    const line = JSON.parse(
      logged((log) => log.error({ error: new Error("top", { cause: new Error("root") }) }, "failed")),
    );
    expect(line.error.message).toBe("top: root");
    expect(line.error.stack).toContain("log.test.ts");
  });
});

describe("secrets", () => {
  test("credentials of URLs are replaced in fields, messages and errors", () => {
    const url = "redis://user:hunter2@host:6379/0";
    const text = logged((log) => log.error({ url, error: new Error(`cannot reach ${url}`) }, `store ${url}`));
    expect(text).not.toContain("hunter2");
    expect(text).toContain("redis://***@host:6379/0");
  });

  test("fields named as secrets are replaced, also one level down", () => {
    const text = logged((log) =>
      log.info({ token: "abc123", request: { authorization: "Bearer xyz" } }, "call"),
    );
    expect(text).not.toMatch(/abc123|xyz/);
  });
});

describe("format", () => {
  test("auto is pretty for a person and JSON for anything else", () => {
    const write = (log: ReturnType<typeof createLogger>) => log.info({ port: 9090 }, "listening");
    expect(logged(write, { format: "auto", terminal: false })).toMatch(/^\{/);
    const pretty = logged(write, { format: "auto", terminal: true });
    expect(pretty).toMatch(/^\S*\[?\d\d:\d\d:\d\d\.\d{3}\]?.*INFO/);
    expect(pretty).toContain("listening");
    expect(pretty).toContain("port");
  });
});

test("the silent logger takes everything and says nothing", () => {
  expect(silentLogger.child({})).toBe(silentLogger);
});
