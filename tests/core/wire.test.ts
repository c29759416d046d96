import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encoded, writeWhole } from "../../src/core/wire.ts";

test("what is encoded stays as it was, whatever is encoded after it, within it, or fails", () => {
  const first = encoded((writer) => writer.string("first"));
  const inner = encoded((writer) => writer.string("outer").raw(encoded((within) => within.string("inner"))));
  expect(() =>
    encoded((writer) => {
      writer.string("half");
      throw new Error("no more");
    }),
  ).toThrow("no more");
  const large = encoded((writer) => writer.bytes(Buffer.alloc(3_000_000, 1)));
  expect(encoded((writer) => writer.string("last")).toString()).toBe("\u0004last");
  expect([first.toString(), inner.toString()]).toEqual(["\u0005first", "\u0005outer\u0005inner"]);
  expect(new BinaryReader(large).bytes()).toHaveLength(3_000_000);
});

test("a whole number is written as the generated code writes an int64", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const whole = encoded((writer) => writeWhole(writer, value));
      expect([...whole]).toEqual([...new BinaryWriter().int64(value).finish()]);
    }),
  );
});
