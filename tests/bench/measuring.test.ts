/** The benchmarks' pure parts: samples, tables, arguments, the readings of processes and of Redis. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { measure, tasksInAll } from "../../bench/support/measure.ts";
import { ticksOf } from "../../bench/support/meters.ts";
import { readOptions } from "../../bench/support/options.ts";
import { parse } from "../../bench/support/resp.ts";
import { median, percentile, withRange } from "../../bench/support/statistics.ts";
import { mebibytes, ratioOf, table, thousands, throughputTable } from "../../bench/support/table.ts";

describe("samples", () => {
  test("a median is the middle one, or the mean of the middle two", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test("a percentile is a sample that as many percent do not exceed, and no smaller one is", () => {
    expect(percentile([], 50)).toBeNaN();
    const samples = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent);
        const share = (limit: (value: number) => boolean) => values.filter(limit).length / values.length;
        expect(values).toContain(found);
        expect(share((value) => value <= found)).toBeGreaterThanOrEqual(percent / 100);
        expect(share((value) => value < found)).toBeLessThan(percent / 100);
      }),
    );
  });

  test("a range is told only where there is one", () => {
    const show = (value: number) => value.toFixed(0);
    expect(withRange([2, 1, 3], show)).toBe("2 (1–3)");
    expect(withRange([2], show)).toBe("2");
    expect(withRange([], show)).toBe("–");
  });

  test("contenders take turns after a warm-up of whole batches, and are checked for all that they did", async () => {
    const said: string[] = [];
    const contender = (name: string) => ({
      name,
      meters: [{ name: "client", cpuMicros: async () => said.length * 600 }],
      run: async (tasks: number) => void said.push(`${name} ${tasks}`),
      check: async (tasks: number) => void said.push(`${name} of ${tasks}`),
    });
    const size = { tasks: 600, rounds: 2 };
    const [ours] = await measure([contender("A"), contender("B")], size);
    const warmUp = (name: string) => Array.from({ length: 7 }, () => `${name} 600`);
    const turns = ["A 600", "B 600", "A 600", "B 600"];
    expect(said).toEqual([...warmUp("A"), ...warmUp("B"), ...turns, "A of 5400", "B of 5400"]);
    expect(tasksInAll(size)).toBe(5_400);
    expect(tasksInAll({ tasks: 50_000, rounds: 2 })).toBe(110_000);
    expect(ours?.samples.map(({ micros }) => micros.client)).toEqual([1, 1]);
  });
});

describe("tables", () => {
  test("are Markdown, numbers to the right", () => {
    expect(table(["a", ">b"], [["x", "1"]])).toBe("| a | b |\n| --- | ---: |\n| x | 1 |");
  });

  test("have a line for each contender, with CPU of each process and in all, and ours over it", () => {
    const one = (name: string, perSecond: number, micros: Record<string, number>) => ({
      name,
      samples: [{ perSecond, micros }],
    });
    const measured = [one("ours", 30_000, { client: 2, Redis: 3.25 }), one("theirs", 20_000, { Redis: 4 })];
    expect(
      throughputTable([{ title: "submit", measured }])
        .split("\n")
        .slice(2),
    ).toEqual([
      "| submit | ours | 30 k | 2.0 | 3.3 | 5.3 |  |",
      "|  | theirs | 20 k | – | 4.0 | 4.0 | **1.5** |",
    ]);
  });

  test("write numbers as short as they can be read", () => {
    expect([999, 1_234, 12_345].map(thousands)).toEqual(["999", "1.2 k", "12 k"]);
    expect([ratioOf(10, 4), ratioOf(1, 8)]).toEqual(["2.5", "0.13"]);
    expect(mebibytes(3 * 2 ** 19)).toBe("1.5 MiB");
  });
});

describe("arguments", () => {
  test("are numbers by name, with defaults", () => {
    expect(readOptions(["--rounds", "7"], { rounds: 5, tasks: 10 })).toEqual({ rounds: 7, tasks: 10 });
  });

  test.each([[["--round", "7"]], [["--rounds", "many"]], [["--rounds", "0"]], [["7"]]])(
    "%j is refused",
    (args) => {
      expect(() => readOptions(args, { rounds: 5 })).toThrow(TypeError);
    },
  );
});

describe("readings", () => {
  test("a process's ticks are found behind a name with spaces and brackets", () => {
    const before = Array.from({ length: 11 }, (_, index) => index + 3).join(" ");
    expect(ticksOf(`42 (a) b (c)) ${before} 10 5 3 2 20 0`)).toEqual({ ticks: 15, childTicks: 5 });
  });

  test("replies of Redis are read only when they are whole", () => {
    const whole = Buffer.from("*3\r\n:1\r\n$5\r\na\r\nbc\r\n$-1\r\n+OK\r\n");
    const length = whole.length - "+OK\r\n".length;
    expect(parse(whole, 0)).toEqual({ reply: [1, "a\r\nbc", null], next: length });
    expect(parse(whole, length)).toEqual({ reply: "OK", next: whole.length });
    expect(parse(Buffer.from("-ERR no\r\n"), 0)?.reply).toEqual(new Error("ERR no"));
    for (let cut = 0; cut < length; cut++) expect(parse(whole.subarray(0, cut), 0)).toBeUndefined();
  });
});
