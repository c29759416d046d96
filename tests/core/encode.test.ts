import fc from "fast-check";
import { expect, test } from "vitest";
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import { encoded } from "../../src/core/encode.ts";

const specOf = (title: string, text = "") =>
  TaskSpec.fromPartial({ title, input: { body: { $case: "json", value: { text } }, contentType: "" } });

test("bytes are those of a writer of the message's own, whatever was written before", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.string()), { maxLength: 8 }), (all) => {
      const specs = all.map(([title, text]) => specOf(title, text));
      const bytes = specs.map((spec) => encoded(TaskSpec, spec));
      for (const [index, spec] of specs.entries())
        expect(bytes[index]).toEqual(Buffer.from(TaskSpec.encode(spec).finish()));
    }),
  );
});

test("a message without anything set has no bytes", () => {
  expect(encoded(Payload, Payload.fromPartial({}))).toHaveLength(0);
});

test("a large message comes whole, and so does the next", () => {
  const large = specOf("large", "x".repeat(1_000_000));
  expect(encoded(TaskSpec, large)).toEqual(Buffer.from(TaskSpec.encode(large).finish()));
  expect(TaskSpec.decode(encoded(TaskSpec, specOf("small")))).toEqual(specOf("small"));
});

test("what is given up half-way leaves nothing to the next message", () => {
  const bad = { ...specOf("half"), delay: { seconds: 1, nanos: 0.5 } };
  expect(() => encoded(TaskSpec, bad)).toThrow("invalid int32");
  expect(TaskSpec.decode(encoded(TaskSpec, specOf("whole")))).toEqual(specOf("whole"));
});
