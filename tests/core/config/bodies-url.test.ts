import { describe, expect, test } from "vitest";
import { bodiesAddress } from "../../../src/core/config/bodies-url.ts";
import { loadConfig } from "../../../src/core/config/load.ts";
import { settingsTakenBy } from "../../../src/core/config/names.ts";
import { settings } from "../../../src/core/config/settings.ts";
import type { StoreAddress } from "../../../src/core/config/store-url.ts";

const schema = settings["bodies.url"].kind.schema("/work");
const sqlite: StoreAddress = { kind: "sqlite", file: "/data/mesh.db" };
const redis: StoreAddress = { kind: "redis", url: "redis://host:6379/1" };

describe("bodies.url", () => {
  test.each([
    ["auto", sqlite, { kind: "directory", directory: "/data/blobs" }],
    [
      "auto",
      { kind: "sqlite", file: "/data/other.db" },
      { kind: "directory", directory: "/data/other.db.blobs" },
    ],
    ["auto", redis, redis],
    ["file:/var/bodies", redis, { kind: "directory", directory: "/var/bodies" }],
    ["file:///var/bodies", redis, { kind: "directory", directory: "/var/bodies" }],
    ["file:bodies", redis, { kind: "directory", directory: "/work/bodies" }],
    ["redis://other:6380/2", sqlite, { kind: "redis", url: "redis://other:6380/2" }],
    ["s3://bucket", sqlite, { kind: "s3", bucket: "bucket", prefix: "" }],
    ["s3://my.bucket/a", sqlite, { kind: "s3", bucket: "my.bucket", prefix: "a/" }],
    ["s3://bucket/a/b-c_d/", sqlite, { kind: "s3", bucket: "bucket", prefix: "a/b-c_d/" }],
  ] as const)("%s", (url, store, address) => {
    expect(bodiesAddress(schema.parse(url), store)).toEqual(address);
  });

  test.each([
    "",
    "file:",
    "/var",
    "s3://",
    "s3://a",
    "s3://bucket//a",
    "s3://bucket/../a",
    "s3://bucket/a?b",
    "http://host",
  ])("%j is refused", (url) => {
    expect(schema.safeParse(url).success).toBe(false);
  });

  test("a long address is refused as fast as a short one", () => {
    const began = performance.now();
    expect(schema.safeParse(`s3://bucket/${"a".repeat(50_000)}!`).success).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe("a secret", () => {
  test("is no flag", () => {
    expect(settingsTakenBy("server")).toContain("s3.accessKeyId");
    expect(settingsTakenBy("server")).not.toContain("s3.secretAccessKey");
  });

  test("is not told where it is at fault", () => {
    const env = { AGENTMESH_S3_SECRET_ACCESS_KEY: "with a space" };
    const load = () => loadConfig({ env, cwd: "/", readFile: () => undefined });
    expect(load).toThrow(
      "s3.secretAccessKey (AGENTMESH_S3_SECRET_ACCESS_KEY) is something else (a secret, not shown)",
    );
    expect(load).not.toThrow("with a space");
  });
});
