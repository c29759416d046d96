import { expect, test } from "vitest";
import { Scratch } from "../../../src/queue/redis/scratch.ts";

test("a buffer is used again once it is given back, and not before", () => {
  const scratch = new Scratch();
  const one = scratch.take(100);
  const two = scratch.take(200);
  expect([one.length, two.length]).toEqual([100, 200]);
  expect(one.buffer).not.toBe(two.buffer);
  scratch.giveBack(one);
  const again = scratch.take(30_000);
  expect(again.buffer).toBe(one.buffer);
  expect(again).toHaveLength(30_000);
  scratch.giveBack(again);
  scratch.giveBack(again);
  const [three, four] = [scratch.take(1), scratch.take(1)];
  expect(three.buffer).not.toBe(four.buffer);
});

test("what is very large is not kept", () => {
  const scratch = new Scratch();
  const large = scratch.take(1_000_000);
  scratch.giveBack(large);
  expect(scratch.take(1_000_000).buffer).not.toBe(large.buffer);
});
