/** What a soak and the latencies are told by. */
import { describe, expect, test } from "vitest";
import { Arrivals } from "../../bench/support/arrivals.ts";
import { levelAt, Watched } from "../../bench/support/gauges.ts";
import { latencyTable, milliseconds, Timed } from "../../bench/support/latency.ts";
import { nowMicros } from "../../bench/support/now.ts";

describe("levels", () => {
  test("are the middle of the tenth of all readings that ends there", () => {
    const readings = Array.from({ length: 40 }, (_, index) => index + 1);
    expect(levelAt(readings, 0.25)).toBe(8.5);
    expect(levelAt(readings, 1)).toBe(38.5);
  });

  test("of a few readings are those there are", () => {
    expect(levelAt([7], 0.25)).toBe(7);
    expect(levelAt([], 1)).toBeNaN();
  });

  test("are read until the watch is stopped", async () => {
    const read = Promise.withResolvers<void>();
    let value = 0;
    const gauge = {
      name: "keys",
      async read() {
        if (++value === 20) read.resolve();
        return value;
      },
      show: (level: number) => level.toFixed(0),
    };
    const watched = new Watched([gauge], 1);
    await read.promise;
    const [line] = await watched.stop();
    const seen = value;
    expect(line?.[0]).toBe("keys");
    expect(Number(line?.[2])).toBeGreaterThan(Number(line?.[1]));
    expect(await watched.stop()).toEqual([line]);
    expect(value).toBe(seen);
  });
});

describe("arrivals", () => {
  test("are waited for by count, in all", async () => {
    const arrivals = new Arrivals();
    const two = arrivals.until(2);
    arrivals.add();
    expect(await Promise.race([two.then(() => "two"), Promise.resolve("not yet")])).toBe("not yet");
    arrivals.add();
    await two;
    await arrivals.until(1);
    expect(arrivals.count).toBe(2);
  });

  test("tell how long they were under way, once", () => {
    const arrivals = new Arrivals();
    arrivals.add(nowMicros() - 5_000);
    arrivals.add();
    const { count, p50Micros, p99Micros } = arrivals.latencies();
    expect(count).toBe(1);
    expect(p50Micros).toBeGreaterThanOrEqual(5_000);
    expect(p99Micros).toBe(p50Micros);
    expect(arrivals.latencies().count).toBe(0);
  });
});

describe("latencies", () => {
  test("are of the calls since they were last asked", async () => {
    const timed = new Timed();
    await timed.crowd(10, 3, async () => {});
    expect((await timed.latency()).p99Micros).toBeGreaterThan(0);
    expect((await timed.latency()).p99Micros).toBeNaN();
  });

  test("stand in ms, another's p99 over ours", () => {
    const one = (name: string, p99Micros: number) => ({
      name,
      samples: [{ p50Micros: 250, p99Micros, perSecond: 100, micros: { client: 40 } }],
    });
    const lines = latencyTable([one("ours", 2_000), one("theirs", 5_000)]).split("\n");
    expect(lines.slice(2)).toEqual([
      "| ours | 0.25 | 2.00 | 40.0 | 40.0 |  |",
      "| theirs | 0.25 | 5.00 | 40.0 | 40.0 | **2.5** |",
    ]);
    expect([12_345, 123_456].map(milliseconds)).toEqual(["12.3", "123"]);
  });
});
