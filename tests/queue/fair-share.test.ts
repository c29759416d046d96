import { expect, test } from "vitest";
import { FairShare } from "../../src/queue/fair-share.ts";

/** What each worker is asked for, round by round, when so many tasks are there for so many workers. */
function rounds(share: FairShare, tasks: number, workers: number): number[] {
  const asks: number[] = [];
  for (let left = tasks; ; ) {
    const asked = share.next;
    asks.push(asked);
    const given = Math.min(left, asked * workers);
    left -= given;
    const more = given >= asked;
    share.told({ asked, given, workers, more });
    if (!more) return asks;
  }
}

test("a few tasks are asked for one by one, a deep queue ever more", () => {
  expect(rounds(new FairShare(), 3, 4)).toEqual([1, 1]);
  expect(rounds(new FairShare(), 8, 4)).toEqual([1, 1, 2]);
  expect(rounds(new FairShare(), 100, 1)).toEqual([1, 1, 2, 4, 8, 16, 32, 64]);
});

test("a stream of like bursts is asked for at once, until a round finds nothing", () => {
  const share = new FairShare();
  rounds(share, 40, 4);
  expect(share.next).toBe(10);
  expect(rounds(share, 39, 4)).toEqual([10, 10]);
  expect(rounds(share, 9, 4)).toEqual([10]);
  rounds(share, 0, 4);
  expect(share.next).toBe(1);
});
