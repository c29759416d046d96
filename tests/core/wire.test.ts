import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import { writeWhole } from "../../src/core/wire.ts";

test("a whole number is written as the generated code writes an int64", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const writer = new BinaryWriter();
      writeWhole(writer, value);
      expect([...writer.finish()]).toEqual([...new BinaryWriter().int64(value).finish()]);
    }),
  );
});
