import { expect, test } from "vitest";
import { grpcPortOf } from "../../src/core/ports.ts";

test("each role's gRPC port is 100 past its neighbour's", () => {
  expect([0, 1, 7].map((place) => grpcPortOf(9090, place))).toEqual([9090, 9190, 9790]);
});

test("any free port stays any free port", () => {
  expect(grpcPortOf(0, 5)).toBe(0);
});
