import { describe, expect, test } from "vitest";
import { type ConfigSources, loadConfig } from "../../../src/core/config/load.ts";
import { MeshError } from "../../../src/core/errors.ts";

function load(says: {
  file?: string;
  env?: ConfigSources["env"];
  flags?: ConfigSources["flags"];
  places?: number;
}) {
  return loadConfig({
    env: says.env ?? {},
    flags: says.flags,
    places: says.places,
    cwd: "/project",
    readFile: (path) => (path === "/project/agentmesh.yaml" ? says.file : undefined),
  });
}

function faultsOf(says: Parameters<typeof load>[0]): MeshError {
  try {
    load(says);
  } catch (error) {
    if (error instanceof MeshError && error.reason === "INVALID_CONFIG") return error;
    throw error;
  }
  throw new Error("the settings were taken");
}

describe("sources", () => {
  test("without any, the defaults count, paths made absolute", () => {
    const { config, origins, file } = load({});
    expect(config.server).toEqual({
      host: "127.0.0.1",
      httpPort: 8080,
      grpcPort: 9090,
      metricsPort: 9091,
      healthPort: 8081,
      connectionAgeSeconds: 1_800,
      connectionGraceSeconds: 60,
      weight: 1,
    });
    expect(config.data.dir).toBe("/project/.agentmesh");
    expect(config.worker.concurrency).toBeUndefined();
    expect(origins["server.host"]).toBe("default");
    expect(file).toBeUndefined();
  });

  test("a flag wins over the environment, that over the file, that over the default", () => {
    const file = "server:\n  httpPort: 1\n  grpcPort: 1\n  healthPort: 1\n  metricsPort: 4\n";
    const env = { AGENTMESH_SERVER_HTTP_PORT: "2", AGENTMESH_SERVER_HEALTH_PORT: "2" };
    const { config, origins } = load({ file, env, flags: { "server.httpPort": "3" } });
    expect(config.server).toMatchObject({ httpPort: 3, healthPort: 2, grpcPort: 1, metricsPort: 4 });
    expect(origins["server.httpPort"]).toBe("--http-port");
    expect(origins["server.healthPort"]).toBe("AGENTMESH_SERVER_HEALTH_PORT");
    expect(origins["server.grpcPort"]).toBe("agentmesh.yaml:3:13");
  });

  test("the value is frozen to its leaves", () => {
    const { config } = load({});
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.server)).toBe(true);
    expect(Object.isFrozen(config.roles.modules)).toBe(true);
  });

  test("an empty variable is an unset one", () => {
    expect(load({ env: { AGENTMESH_SERVER_HOST: "" } }).config.server.host).toBe("127.0.0.1");
  });

  test("relative paths start at the file for the file and at the working directory elsewhere", () => {
    const sources: ConfigSources = {
      env: { AGENTMESH_ROLES_MODULES: "a.ts, b/c.ts" },
      cwd: "/project",
      file: "conf/mesh.yaml",
      readFile: (path) => (path === "/project/conf/mesh.yaml" ? "data:\n  dir: kept\n" : undefined),
    };
    const { config, file } = loadConfig(sources);
    expect(config.data.dir).toBe("/project/conf/kept");
    expect(config.roles.modules).toEqual(["/project/a.ts", "/project/b/c.ts"]);
    expect(file).toBe("/project/conf/mesh.yaml");
  });

  test.each(["", "# nothing\n", "server:\n", "---\n"])("a file that says nothing (%j) is taken", (file) => {
    expect(load({ file }).config.server.httpPort).toBe(8080);
  });

  test("booleans and lists are read from YAML, texts and flags", () => {
    expect(load({ file: "sandbox:\n  allowUncontained: true\n" }).config.sandbox.allowUncontained).toBe(true);
    expect(
      load({ env: { AGENTMESH_SANDBOX_ALLOW_UNCONTAINED: "yes" } }).config.sandbox.allowUncontained,
    ).toBe(true);
    expect(load({ flags: { "sandbox.allowUncontained": true } }).config.sandbox.allowUncontained).toBe(true);
    expect(load({ file: "roles:\n  modules: [x.ts, /y.ts]\n" }).config.roles.modules).toEqual([
      "/project/x.ts",
      "/y.ts",
    ]);
  });
});

describe("faults", () => {
  test("all of them are told at once, each with its place, its value and what is allowed", () => {
    const error = faultsOf({
      file: "server:\n  httpPort: eighty\n  hots: 1.2.3.4\nlogs:\n  level: info\n",
      env: { AGENTMESH_LOG_LEVEL: "loud", AGENTMESH_SERVER_HTPP_PORT: "1" },
      flags: { "server.grpcPort": "70000" },
    });
    expect(error.message).toMatchInlineSnapshot(`
      "6 faults in the settings:
      - server.hots (agentmesh.yaml:3:3) is no setting; did you mean "server.host"?
      - logs (agentmesh.yaml:4:1) is no section of settings; did you mean "log"?
      - AGENTMESH_SERVER_HTPP_PORT (environment) is no setting; did you mean "AGENTMESH_SERVER_HTTP_PORT"?
      - server.httpPort (agentmesh.yaml:2:13) is "eighty"; allowed: a port from 1 to 65535, or 0 for any free one
      - log.level (AGENTMESH_LOG_LEVEL) is "loud"; allowed: debug, info, warn, error, silent
      - server.grpcPort (--grpc-port) is "70000"; allowed: a port from 1 to 65535, or 0 for any free one"
    `);
    expect(error.fields.map((violation) => violation.field)).toContain("server.grpcPort");
  });

  test("a value that another source overrides is at fault too", () => {
    const error = faultsOf({ file: "server:\n  httpPort: -1\n", flags: { "server.httpPort": "80" } });
    expect(error.message).toBe(
      "server.httpPort (agentmesh.yaml:2:13) is -1; allowed: a port from 1 to 65535, or 0 for any free one",
    );
  });

  test.each([
    ["server: [\n", /^YAML \(agentmesh\.yaml:\d:\d\) cannot be read/],
    ["server: {}\nserver: {}\n", /agentmesh\.yaml:2:1.*unique/],
    ["- a\n", /the file \(agentmesh\.yaml:1:1\) holds no settings/],
    ["server: 80\n", /server \(agentmesh\.yaml:1:1\) is a section/],
    ["server.host: a\n", /write "server: \{host: …\}"/],
    ["server:\n  host:\n", /server\.host \(agentmesh\.yaml:2:\d+\) has no value/],
    ["queue:\n  maxTasks: 1.5\n", /queue\.maxTasks .* is 1\.5; allowed: a whole number from 1/],
  ])("the file %j is refused", (file, message) => {
    expect(faultsOf({ file }).message).toMatch(message);
  });

  test("a file that was named and is not there is at fault; the default file need not be", () => {
    const missing = { cwd: "/project", readFile: () => undefined };
    expect(() => loadConfig({ ...missing, env: { AGENTMESH_CONFIG: "x.yaml" } })).toThrow(
      "x.yaml (AGENTMESH_CONFIG) is no file",
    );
    expect(() => loadConfig({ ...missing, env: {}, file: "y.yaml" })).toThrow("y.yaml (--config) is no file");
  });

  test("variables that Kubernetes adds for Services are left alone", () => {
    const env = {
      AGENTMESH_TESTING_SERVICE_HOST: "10.0.0.1",
      AGENTMESH_TESTING_SERVICE_PORT_GRPC: "9090",
      AGENTMESH_TESTING_PORT: "tcp://10.0.0.1:9090",
      AGENTMESH_TESTING_PORT_9090_TCP_ADDR: "10.0.0.1",
    };
    expect(load({ env }).config.server.grpcPort).toBe(9090);
  });

  test("a password is not shown, however the URL is mistyped", () => {
    for (const url of ["http://user:hunter2@host", "redis:/user:hunter2@host", "redis//:hunter2@host:6379"])
      expect(faultsOf({ env: { AGENTMESH_STORE_URL: url } }).message).not.toContain("hunter2");
  });
});

describe("ports that clash", () => {
  test("two listeners may not share a port", () => {
    expect(faultsOf({ env: { AGENTMESH_SERVER_HEALTH_PORT: "8080" } }).message).toBe(
      "server.healthPort (AGENTMESH_SERVER_HEALTH_PORT) is 8080, which server.httpPort takes already",
    );
  });

  test("nor one with another role's gRPC port, where several roles are served", () => {
    const says = { flags: { "server.metricsPort": 9290 } };
    expect(load(says).config.server.metricsPort).toBe(9290);
    expect(faultsOf({ ...says, places: 3 }).message).toContain(
      "is 9290, which the gRPC port of role 3 takes already",
    );
  });

  test("the last role's port must exist", () => {
    expect(faultsOf({ flags: { "server.grpcPort": 65_500 }, places: 2 }).message).toContain("would be 65600");
  });

  test("0, any free port, clashes with nothing", () => {
    const flags = {
      "server.httpPort": 0,
      "server.healthPort": 0,
      "server.metricsPort": 0,
      "server.grpcPort": 0,
    };
    expect(load({ flags, places: 8 }).config.server.grpcPort).toBe(0);
  });
});
