import { describe, expect, test } from "vitest";
import { FieldCheck } from "../../src/core/check.ts";
import { MeshError } from "../../src/core/errors.ts";

/** The faults that a check told of. */
function faultsOf(check: FieldCheck): readonly string[] {
  try {
    check.done();
  } catch (error) {
    return (error as MeshError).fields.map(({ field, description }) => `${field}: ${description}`);
  }
  return [];
}

describe("faults", () => {
  test("are told by whole paths, those of a message within the request too", () => {
    const [request, within] = [new FieldCheck(), new FieldCheck("specs[3]")];
    for (const check of [request, within]) {
      check.whole("priority", 11, 0, 9);
      check.labels("labels", { a: "b\n", "": "c" });
    }
    const faults = [
      "priority: is 11; it must be a whole number from 0 to 9",
      'labels["a"]: has control characters',
      "labels (a name): is required",
    ];
    expect(faultsOf(request)).toEqual(faults);
    expect(faultsOf(within)).toEqual(faults.map((fault) => `specs[3].${fault}`));
  });

  test("that were found elsewhere keep their paths", () => {
    const check = new FieldCheck("spec");
    check.add([{ field: "spec.input.n", description: "must be a number" }]);
    expect(faultsOf(check)).toEqual(["spec.input.n: must be a number"]);
    expect(check.ok).toBe(false);
  });
});

test("what is in order is no fault", () => {
  const check = new FieldCheck("spec");
  check.line("tenant", "ü".repeat(64), 128, true);
  check.text("key", "a\nb", 3);
  check.labels("labels", {});
  check.whole("priority", 9, 0, 9);
  expect(check.durationMs("delay", { seconds: 1, nanos: 5_000_000 }, 0, 2_000)).toBe(1_005);
  expect(check.durationMs("delay", undefined, 0, 2_000)).toBeUndefined();
  expect(check.ok).toBe(true);
  check.done();
});

test.each([
  ["empty", "", "is required"],
  ["a byte too long", "ü".repeat(65), "has 130 bytes; at most 128 are allowed"],
  ["of two lines", "a\u0085b", "has control characters"],
])("a required line that is %s", (_, value, description) => {
  const check = new FieldCheck();
  check.line("title", value, 128, true);
  expect(faultsOf(check)).toEqual([`title: ${description}`]);
  expect(() => check.done()).toThrow(MeshError);
});
