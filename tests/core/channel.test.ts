/** The bounded line: order, back pressure, both ends. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Channel } from "../../src/core/channel.ts";

test("what is pushed is read, in order, whatever the capacity", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), fc.integer({ min: 1, max: 5 }), async (values, capacity) => {
      const channel = new Channel<number>(capacity);
      const writing = (async () => {
        for (const value of values) await channel.push(value);
        channel.end();
      })();
      expect(await Array.fromAsync(channel)).toEqual(values);
      await writing;
    }),
  );
});

test("a writer waits while it is full, and goes on when it is read", async () => {
  const channel = new Channel<number>(2);
  let pushed = 0;
  const writing = (async () => {
    for (let value = 0; value < 10; value++) {
      await channel.push(value);
      pushed++;
    }
    channel.end();
  })();
  await new Promise(setImmediate);
  expect(pushed).toBe(1);
  expect(await Array.fromAsync(channel)).toHaveLength(10);
  await writing;
});

test("an error is told after what came before it", async () => {
  const channel = new Channel<number>(5);
  void channel.push(1);
  channel.end(new Error("broken"));
  const read: number[] = [];
  await expect(
    (async () => {
      for await (const value of channel) read.push(value);
    })(),
  ).rejects.toThrow("broken");
  expect(read).toEqual([1]);
});

test("a reader that leaves frees the writers", async () => {
  const channel = new Channel<number>(1);
  const writing = (async () => {
    for (let value = 0; value < 5; value++) await channel.push(value);
  })();
  for await (const _ of channel) break;
  await writing;
});
