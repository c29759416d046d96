import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineRole } from "../../src/agent/role.ts";
import { catalogOf } from "../../src/agent/role-catalog.ts";

const whole = {
  name: "one",
  summary: "for tests",
  input: z.strictObject({ name: z.string().min(2), size: z.int(), tags: z.array(z.string()).optional() }),
  output: z.unknown(),
  run: () => null,
};

describe("the check of an input, in words for people", () => {
  const { checkInput } = catalogOf([defineRole(whole)]).get("one")!;
  const told = (value: unknown) =>
    checkInput("in", value).map(({ field, description }) => `${field}: ${description}`);

  test.each([
    [{}, ["in.name: is required", "in.size: is required"]],
    [{ name: 5, size: 1 }, ["in.name: must be a string; it is a number"]],
    [{ name: "ab", size: "x" }, ["in.size: must be a number; it is a string"]],
    [{ name: "ab", size: 1.5 }, ["in.size: must be a whole number; it is a number"]],
    [{ name: "ab", size: 1, tags: ["a", null] }, ["in.tags.1: must be a string; it is null"]],
    [{ name: "ab", size: 1, nmae: 1 }, ['in: has no "nmae"; it knows name, size, tags']],
    [[], ["in: must be an object; it is an array"]],
    [{ name: "ab", size: 1 }, []],
  ])("%j", (value, words) => {
    expect(told(value)).toEqual(words);
  });

  test("what a schema says of a value of the right type stays as it is", () => {
    expect(told({ name: "a", size: 1 })).toEqual([expect.stringMatching(/in\.name: .*>=2 characters/)]);
  });
});
