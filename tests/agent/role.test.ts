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

describe("a definition that cannot be meant is refused by its field", () => {
  // biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript may hand over
  const define = (parts: any) => () => defineRole({ ...whole, ...parts });

  test.each([
    [{ name: "One" }, /role name "One"/],
    [{ name: undefined }, /role name "undefined"/],
    [{ input: undefined }, /input must be a zod schema/],
    [{ output: { type: "object" } }, /output must be a zod schema/],
    [{ run: "x" }, /run must be a function/],
    [{ concurrency: 0 }, /concurrency is 0; it must be a whole number from 1 to 10000/],
    [{ concurrency: 10_001 }, /concurrency/],
    [{ lease: { seconds: 0.5 } }, /lease\.seconds is 0\.5; it must be from 1 to 3600/],
    [{ lease: { seconds: 3_601 } }, /lease\.seconds/],
    [{ lease: { seconds: Number.NaN } }, /lease\.seconds/],
    [{ retry: { attempts: 101 } }, /retry\.attempts is 101; it must be a whole number from 1 to 100/],
    [{ retry: { backoffMs: -1 } }, /retry\.backoffMs is -1; it must be 0 or more/],
    [{ retry: { backoffMaxMs: Number.POSITIVE_INFINITY } }, /retry\.backoffMaxMs/],
    [{ scale: { min: 3, max: 2, tasksPerReplica: 1 } }, /scale\.max is 2; it must be a whole number from 3/],
    [{ scale: { min: 1, max: 2, tasksPerReplica: 0 } }, /scale\.tasksPerReplica is 0/],
  ])("%o", (parts, says) => {
    expect(define(parts)).toThrow(TypeError);
    expect(define(parts)).toThrow(says);
  });

  test("the limits themselves are taken", () => {
    const most = { concurrency: 10_000, lease: { seconds: 3_600 }, retry: { attempts: 100, backoffMs: 0 } };
    expect(define({ ...most, scale: { min: 0, max: 1, tasksPerReplica: 1 } })).not.toThrow();
  });
});
