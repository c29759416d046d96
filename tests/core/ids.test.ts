import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derivedId, queueOf, taskId, timeOf, uniqueId } from "../../src/core/ids.ts";

describe("a unique id", () => {
  test("has 21 characters, tells its time, and is not given twice", () => {
    const ids = Array.from({ length: 2_000 }, (_, nth) => uniqueId(1_700_000_000_000 + (nth >> 4)));
    expect(new Set(ids).size).toBe(2_000);
    for (const [nth, id] of ids.entries()) {
      expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{21}$/);
      expect(timeOf(id)).toBe(1_700_000_000_000 + (nth >> 4));
    }
  });

  test("sorts by its time, whatever the order they are made in", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 44), fc.nat(2 ** 44), (one, other) => {
        const [a, b] = [uniqueId(one), uniqueId(other)];
        if (one !== other) expect(a < b).toBe(one < other);
      }),
    );
  });

  test("every character of its chance is used about as often", () => {
    const counts = new Map<string, number>();
    for (let made = 0; made < 4_000; made++)
      for (const character of uniqueId(1).slice(9)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect(counts.size).toBe(32);
    // 1,500 of each on average; 6 standard deviations are 230.
    for (const count of counts.values()) expect(Math.abs(count - 1_500)).toBeLessThan(230);
  });
});

test("a derived id is that of its parts, and of these parts alone", () => {
  expect(derivedId("key", "a", "b")).toBe(derivedId("key", "a", "b"));
  expect(derivedId("key", "a", "b")).toMatch(/^[0-9a-hjkmnp-tv-z]{24}$/);
  expect(derivedId("key", "ab", "")).not.toBe(derivedId("key", "a", "b"));
});

describe("the queue of a task id", () => {
  const role = /^[a-z][a-z0-9-]{0,47}$/;
  const pattern = /^([a-z][a-z0-9-]{0,47})\.([0-9a-z]{1,64})$/;
  /** Characters at the edges of what is allowed, and others. */
  const character = fc.constantFrom(..."azk09-.`{/:_A é\n\u{1f600}");
  const text = (length: number) => fc.string({ unit: character, maxLength: length });

  test("is what its pattern says, of any text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text(6),
          fc.tuple(text(4), text(4)).map(([a, b]) => `${a}.${b}`),
        ),
        (id) => {
          expect(queueOf(id)).toBe(pattern.exec(id)?.[1]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("is found again in every id that is made", () => {
    fc.assert(
      fc.property(fc.stringMatching(role), fc.nat(), (queue, timeMs) => {
        expect(queueOf(taskId(queue, uniqueId(timeMs)))).toBe(queue);
      }),
    );
  });

  test.each([
    ["the longest role", `${"a".repeat(48)}.0`, "a".repeat(48)],
    ["a role too long", `${"a".repeat(49)}.0`, undefined],
    ["the longest unique part", `a.${"0".repeat(64)}`, "a"],
    ["a unique part too long", `a.${"0".repeat(65)}`, undefined],
    ["no unique part", "a.", undefined],
    ["no role", ".0", undefined],
    ["two dots", "a.b.c", undefined],
    ["a line's end", "a.b\n", undefined],
  ])("%s", (_, id, queue) => expect(queueOf(id)).toBe(queue));
});
