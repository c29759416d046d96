import fc from "fast-check";
import { expect, test } from "vitest";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { encoded } from "../../../src/core/encode.ts";
import { toPayload } from "../../../src/core/payload.ts";
import { partSpec, specEncoder, specWith } from "../../../src/queue/service/spec-input.ts";

const specs = fc
  .record({
    role: fc.string(),
    title: fc.string(),
    priority: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    labels: fc.dictionary(fc.string(), fc.string()),
    renderInput: fc.boolean(),
    input: fc.option(
      fc.oneof(
        fc.jsonValue().map((value) => toPayload(value)),
        fc.constant(Payload.create()),
      ),
      {
        nil: undefined,
      },
    ),
    idempotencyKey: fc.string(),
  })
  .map((parts) => TaskSpec.fromPartial(parts as never));

test("a spec parts into its input and the rest, and another input takes its place", () => {
  const other = toPayload(Buffer.from("other"));
  fc.assert(
    fc.property(specs, (spec) => {
      const { input, rest, rendersInput } = partSpec(TaskSpec.encode(spec).finish());
      expect(rendersInput).toBe(spec.renderInput);
      expect(input && Payload.decode(input)).toEqual(
        spec.input && Payload.decode(Payload.encode(spec.input).finish()),
      );
      expect(TaskSpec.decode(rest)).toEqual({
        ...TaskSpec.decode(TaskSpec.encode(spec).finish()),
        input: undefined,
      });
      expect(TaskSpec.decode(specWith(rest, other))).toEqual({ ...TaskSpec.decode(rest), input: other });
    }),
    { numRuns: 300 },
  );
});

test("a spec whose input is encoded apart is the same spec", () => {
  fc.assert(
    fc.property(specs, (spec) => {
      const parts = { rest: { ...spec, input: undefined }, input: spec.input };
      expect(TaskSpec.decode(encoded(specEncoder, parts))).toEqual(
        TaskSpec.decode(TaskSpec.encode(spec).finish()),
      );
    }),
    { numRuns: 300 },
  );
});
