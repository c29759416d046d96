import { afterAll, beforeAll, expect, test } from "vitest";
import { s3Bodies } from "../../../src/queue/bodies/s3.ts";
import { bodiesContract } from "../../contract/bodies.ts";
import { errorOf } from "../../support/mesh.ts";
import { S3Server, s3Missing } from "../../support/s3.ts";

let server: S3Server | undefined;
let opened = 0;

beforeAll(async () => {
  server = await S3Server.start();
}, 30_000);
afterAll(() => server?.stop());

bodiesContract("s3", async (skip) => {
  if (!server) return skip(s3Missing);
  opened += 1;
  const options = { ...server.options, prefix: `mesh-${opened}/` };
  return { bodies: s3Bodies(options), second: () => s3Bodies(options), close: async () => {} };
});

test("a wrong key, a bucket that is not there and a server that is away are STORE_UNAVAILABLE, each with its reason", {
  timeout: 60_000,
}, async (context) => {
  if (!server) return context.skip(s3Missing);
  const options = { ...server.options, prefix: "" };
  const wrong = { ...options, secretAccessKey: "another" };
  expect((await errorOf(s3Bodies(wrong).ping())).message).toContain("SignatureDoesNotMatch");
  const nowhere = { ...options, bucket: "nowhere" };
  expect((await errorOf(s3Bodies(nowhere).get("a.b"))).message).toContain("NoSuchBucket");
  expect((await errorOf(s3Bodies(nowhere).put("a.b", Buffer.from("x")))).reason).toBe("STORE_UNAVAILABLE");
  await server.kill();
  const away = await errorOf(s3Bodies(options).get("a.b"));
  expect(away.reason).toBe("STORE_UNAVAILABLE");
  expect(away.message).toContain("ECONNREFUSED");
});
