import { describe, expect, test } from "vitest";
import { flagOf, flagValuesOf, settingsTakenBy, variableOf } from "../../../src/core/config/names.ts";
import { settingNames, settings } from "../../../src/core/config/settings.ts";
import { storeAddress } from "../../../src/core/config/store-url.ts";
import { clientDefaults } from "../../../src/core/ports.ts";

describe("the table", () => {
  test.each(settingNames)("%s has a default that its own kind takes, or is unset", (name) => {
    const row = settings[name];
    expect(row.default === undefined || row.kind.schema("/").safeParse(row.default).success).toBe(true);
    expect(row.doc).toMatch(/\.$/);
    expect(row.because).toMatch(/[^.]$/);
    expect(row.takenBy.length).toBeGreaterThan(0);
  });

  test("no two settings share a flag or a variable", () => {
    expect(new Set(settingNames.map((name) => flagOf(name).attribute)).size).toBe(settingNames.length);
    expect(new Set(settingNames.map(variableOf)).size).toBe(settingNames.length);
  });

  test("variables and flags are derived from the dotted name", () => {
    expect(variableOf("server.httpPort")).toBe("AGENTMESH_SERVER_HTTP_PORT");
    expect(flagOf("queue.retentionHours")).toMatchObject({
      flags: "--queue-retention-hours <hours>",
      attribute: "queueRetentionHours",
      repeats: false,
    });
    expect(flagOf("sandbox.allowUncontained").flags).toBe("--allow-uncontained-commands");
    expect(flagOf("roles.modules")).toMatchObject({ flags: "--role-module <path>", repeats: true });
  });

  test("values are picked from commander's options by their attributes", () => {
    expect(flagValuesOf({ httpPort: "1", allowUncontainedCommands: true, json: true })).toEqual({
      "server.httpPort": "1",
      "sandbox.allowUncontained": true,
    });
  });

  test("a client's commands take no listener", () => {
    expect(settingsTakenBy("client")).toContain("client.server");
    expect(settingsTakenBy("client")).not.toContain("server.httpPort");
  });
});

describe("worker.labels", () => {
  const schema = settings["worker.labels"].kind.schema("/");

  test.each([
    ["of a flag that is repeated", ["gpu=h100", "zone=b=c"], { gpu: "h100", zone: "b=c" }],
    ["of a variable", "gpu=h100, zone=b", { gpu: "h100", zone: "b" }],
    ["of a file", { gpu: "h100", cores: 8, fast: true }, { gpu: "h100", cores: "8", fast: "true" }],
    ["that are none", {}, {}],
  ])("%s", (_, said, labels) => expect(schema.parse(said)).toEqual(labels));

  test.each([
    ["gpu", ["gpu"]],
    ["no name", ["=h100"]],
    ["a name with =", { "a=b": "c" }],
    ["a line's end", ["a=b\nc"]],
    ["a long value", { a: "x".repeat(129) }],
    ["too many", Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`l${n}`, "x"]))],
  ])("%s is refused", (_, said) => expect(schema.safeParse(said).success).toBe(false));
});

describe("store.url", () => {
  const schema = settings["store.url"].kind.schema("/");

  test.each([
    ["sqlite:", { kind: "sqlite", file: "/data/mesh.db" }],
    ["sqlite:other.db", { kind: "sqlite", file: "/data/other.db" }],
    ["sqlite:/var/mesh.db", { kind: "sqlite", file: "/var/mesh.db" }],
    ["redis://localhost:6379/1", { kind: "redis", url: "redis://localhost:6379/1" }],
    ["rediss://u:p@host", { kind: "redis", url: "rediss://u:p@host" }],
    ["redis+cluster://u:p@a:1,b", { kind: "redis", url: "redis+cluster://u:p@a:1,b" }],
    ["rediss+sentinel://a,b:2/mesh/3", { kind: "redis", url: "rediss+sentinel://a,b:2/mesh/3" }],
  ])("%s", (url, address) => {
    expect(storeAddress(schema.parse(url), "/data")).toEqual(address);
  });

  test.each([
    ["", "postgres://host", "redis:", "sqlite:a?b", "/var/mesh.db"],
    ["redis://host/abc", "redis://host/1/2", "redis://host/-1", "rediss://host/1a", "redis://host?db=x"],
  ])("%j and its like are refused", (...urls) => {
    for (const url of urls) expect(schema.safeParse(url).success, url).toBe(false);
  });

  test.each(["redis://host/", "redis://host:6379", "redis://host/12"])("%j is taken", (url) => {
    expect(schema.safeParse(url).success).toBe(true);
  });

  test("odd characters of a password are encoded, so that redaction finds its end", () => {
    expect(schema.parse('redis://:a"b c@host')).toBe("redis://:a%22b%20c@host");
  });
});

test("a drain ends within the 30 s that Kubernetes gives a pod, its last 2 s for a blocked thread included", () => {
  expect(settings["drain.timeoutSeconds"].default + 2).toBeLessThan(30);
});

test("the settings of a client are those of a client that is told nothing", () => {
  expect(settings["client.server"].default).toBe(clientDefaults.server);
  expect(settings["client.timeoutSeconds"].default * 1_000).toBe(clientDefaults.timeoutMs);
});

describe("server.advertise", () => {
  const schema = settings["server.advertise"].kind.schema("/");

  test.each(["10.0.0.7", "127.0.0.1", "2001:db8::7", "::1"])("%s is taken", (address) =>
    expect(schema.parse(address)).toBe(address),
  );

  test.each(["", "pod.local", "0.0.0.0", "::", "fe80::1%eth0", "10.0.0.7:9090", "10.0.0"])(
    "%j is refused",
    (said) => expect(schema.safeParse(said).success).toBe(false),
  );
});

test("where an instance runs is named as nodes' labels name it", () => {
  for (const name of ["server.region", "server.zone", "server.subZone"] as const) {
    const schema = settings[name].kind.schema("/");
    expect(schema.parse("eu-west_1.a")).toBe("eu-west_1.a");
    for (const said of ["", "a b", "a\nb", "x".repeat(129)])
      expect(schema.safeParse(said).success).toBe(false);
  }
});
