import { expect, test } from "vitest";
import { parseRedisUrl } from "../../../src/core/config/redis-url.ts";

test("one server: the port has a default, the credentials are decoded and not shown", () => {
  expect(parseRedisUrl("redis://u:p%40q@[::1]/3")).toEqual({
    kind: "server",
    hosts: [{ host: "::1", port: 6379 }],
    tls: false,
    username: "u",
    password: "p@q",
    database: 3,
    href: "redis://u:p%40q@[::1]/3",
    shown: "redis://[::1]/3",
  });
});

test("a cluster: its nodes, and no database", () => {
  expect(parseRedisUrl("rediss+cluster://:secret@a:7000,b/")).toEqual({
    kind: "cluster",
    hosts: [
      { host: "a", port: 7000 },
      { host: "b", port: 6379 },
    ],
    tls: true,
    password: "secret",
    database: 0,
    href: "rediss+cluster://:secret@a:7000,b",
    shown: "rediss+cluster://a:7000,b",
  });
});

test("Sentinels: their port has a default, the path names the master and the database", () => {
  expect(parseRedisUrl("redis+sentinel://a,b:5/mesh/2")).toEqual({
    kind: "sentinel",
    hosts: [
      { host: "a", port: 26379 },
      { host: "b", port: 5 },
    ],
    tls: false,
    database: 2,
    masterName: "mesh",
    href: "redis+sentinel://a,b:5/mesh/2",
    shown: "redis+sentinel://a,b:5/mesh/2",
  });
});

test.each([
  ["redis://a,b", "redis://a:1,b:2", "redis://"],
  ["redis+cluster://a/1", "redis+cluster://a,", "redis+cluster://a,,b", "redis+cluster://a?x=1"],
  ["redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://a/mesh/x", "redis+sentinel://a/m%20h"],
  ["redis+pool://a", "http://a", "redis://a:99999", "redis://:%zz@a", "redis://a#x", ""],
])("%j and its like are none", (...urls) => {
  for (const url of urls) expect(parseRedisUrl(url), url).toBeUndefined();
});
