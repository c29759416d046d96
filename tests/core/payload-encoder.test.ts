import fc from "fast-check";
import { expect, test } from "vitest";
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { encoded } from "../../src/core/encode.ts";
import { toPayload } from "../../src/core/payload.ts";
import { payloadEncoder } from "../../src/core/payload-encoder.ts";

const generated = (payload: Payload) => Buffer.from(Payload.encode(payload).finish());

test("every payload's bytes are those of the generated code", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 100, maxLength: 400 }));
  const value = fc.oneof(
    fc.dictionary(text, fc.jsonValue({ maxDepth: 5 })),
    fc.jsonValue(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(value, fc.constantFrom("", "text/plain"), (input, contentType) => {
      const payload = { ...toPayload(input), contentType };
      expect(encoded(payloadEncoder, payload)).toEqual(generated(payload));
    }),
    { numRuns: 500 },
  );
});

test.each<[string, Payload]>([
  ["nothing", { body: undefined, contentType: "" }],
  ["an object that is not there", { body: { $case: "json", value: undefined }, contentType: "" }],
  [
    "a reference",
    {
      body: { $case: "blob", value: { uri: "file:///x", sizeBytes: 3, sha256: Buffer.from("abc") } },
      contentType: "a/b",
    },
  ],
  [
    "gaps, and numbers that JSON has not",
    {
      body: { $case: "json", value: { gap: undefined, list: [undefined, Number.NaN, -0, Infinity] } },
      contentType: "",
    },
  ],
])("%s too", (_, payload) => {
  expect(encoded(payloadEncoder, payload)).toEqual(generated(payload));
});

test.each([() => {}, 1n, Symbol.iterator])("what is no JSON is refused: %s", (value) => {
  const payload: Payload = { body: { $case: "json", value: { value } }, contentType: "" };
  expect(() => encoded(payloadEncoder, payload)).toThrow("is no JSON");
});
