import { expect, test } from "vitest";
import { UnopenedStore } from "../../src/cli/unopened-store.ts";
import { MeshError } from "../../src/core/errors.ts";

test.each([
  [
    "connect ECONNREFUSED 127.0.0.1:6379",
    /Check that Redis runs at redis:\/\/host:6379, or leave --store out/,
  ],
  [
    "NOAUTH HELLO must be called with the client already authenticated",
    /Give --store the user and the password/,
  ],
  ["WRONGPASS invalid username-password pair", /Give --store the user and the password/],
  ["ERR DB index is out of range", /Name a database that Redis has/],
])("%s has its own way out", (why, wayOut) => {
  const metadata = { address: "redis://host:6379" };
  const error = new UnopenedStore(new MeshError("STORE_UNAVAILABLE", why, { metadata }));
  expect(error.wayOut).toMatch(wayOut);
  expect(error.wayOut).not.toMatch(/idempotency/);
});
