/** What people get wrong, through the real command: one clear line, the way out, and an exit code that means something. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentmesh, cleanUp, freshDirectory, inParallel, type Ran, startUp } from "./cli.ts";

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly code: number;
  readonly says: readonly RegExp[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

const directory = freshDirectory();
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
/** Nothing listens there. */
const nowhere = "127.0.0.1:1";
const large = `"${"x".repeat(8_000_000)}"`;

function cases(server: string, takenPort: number, usedDir: string): Case[] {
  const at = ["--server", server];
  const unknownField = file(
    "unknown-field.yaml",
    "name: w\nnodes:\n  a:\n    role: testing\n    need: [b]\n",
  );
  const cycle = file(
    "cycle.yaml",
    "name: w\nnodes:\n  a: {role: testing, needs: [b]}\n  b: {role: testing, needs: [a]}\n",
  );
  const free = [
    "--data-dir",
    freshDirectory(),
    "--grpc-port",
    "0",
    "--http-port",
    "0",
    "--metrics-port",
    "0",
    "--health-port",
    "0",
  ];
  const noMesh = [/no server answers at 127\.0\.0\.1:1\n/, /Start one with `agentmesh up`/];
  const row = (
    name: string,
    args: string[],
    code: number,
    says: RegExp[],
    more: Partial<Case> = {},
  ): Case => ({
    ...{ name, args, code, says },
    ...more,
  });
  return [
    row("no server: list", ["list", "--server", nowhere], 3, noMesh),
    row("no server: submit", ["submit", "testing", "{}", "--server", nowhere], 3, noMesh),
    row("no server: watch", ["watch", "testing.abc", "--server", nowhere], 3, noMesh),
    row("no server: run", ["run", "review", "--server", nowhere], 3, noMesh),
    row("broken JSON", ["submit", "testing", '{"a": 1,}', ...at], 2, [
      /error: input: is no JSON/,
      /position 8/,
    ]),
    row("broken JSON on stdin", ["submit", "testing", "-", ...at], 2, [/error: stdin: is no JSON/], {
      stdin: "{",
    }),
    row("missing input file", ["submit", "testing", "@/no/such.json", ...at], 2, [
      /\/no\/such\.json: cannot be read/,
    ]),
    row("input without a name", ["submit", "testing", "--input", "x", ...at], 2, [
      /--input: "x" has no name/,
    ]),
    row("unknown role", ["submit", "testin", "{}", ...at], 2, [
      /no role "testin"/,
      /[Dd]id you mean "testing"/,
    ]),
    row("unknown role to serve", ["serve", "--role", "tester"], 2, [
      /no role "tester"/,
      /There are .*testing/,
    ]),
    row("unknown role to show", ["roles", "secrity"], 2, [/did you mean "security"/]),
    row("missing field", ["submit", "testing", "{}", ...at], 2, [/spec\.input\.repository: is required\n/]),
    row("priority out of range", ["submit", "testing", "{}", "--priority", "12"], 2, [
      /--priority/,
      /from 0 to 9/,
    ]),
    row("label without a value", ["list", "--label", "x"], 2, [/--label/, /NAME=VALUE/]),
    row("unknown state", ["list", "--state", "done"], 2, [/--state/, /succeeded/]),
    row("id that is none", ["get", "nonsense", ...at], 2, [/"nonsense" is no id/, /look like testing\./]),
    row("task that does not exist", ["get", "testing.abc", ...at], 4, [
      /no task testing\.abc/,
      /agentmesh list/,
    ]),
    row("workflow that does not exist", ["cancel", "orchestrator.abc", ...at], 4, [
      /no workflow orchestrator\.abc/,
    ]),
    row("payload too large", ["submit", "testing", "-", ...at], 2, [/has 8000\d+ bytes; at most 7340032/], {
      stdin: `{"repository": ${large}}`,
    }),
    row("payload over any message", ["submit", "testing", "-", ...at], 2, [/input: has .* bytes; at most/], {
      stdin: `{"repository": "${"x".repeat(17_000_000)}"}`,
    }),
    row("unknown workflow", ["run", "revew", ...at], 2, [/did you mean "review"/]),
    row("missing workflow file", ["run", "./no.yaml", ...at], 2, [/\.\/no\.yaml: there is no such file/]),
    row("unknown field of a workflow", ["run", unknownField, ...at], 2, [
      /:5: nodes\.a\.need: .*did you mean "needs"/,
    ]),
    row("cycle in a workflow", ["run", cycle, ...at], 2, [/cycle: a -> b -> a/]),
    row("missing input of a workflow", ["run", "review", ...at], 2, [/inputs\.repository: is required/]),
    row("port in use", ["up", ...free.slice(4), "--grpc-port", String(takenPort)], 5, [
      /another program listens there/,
      /set server\.grpcPort/,
    ]),
    row("health port in use", ["up", ...free.slice(0, 8), "--health-port", String(takenPort)], 5, [
      /set server\.healthPort/,
    ]),
    row("store in use", ["up", ...free.slice(2), "--data-dir", usedDir], 5, [
      /is in use by process \d+/,
      /data\.dir/,
    ]),
    row("store that does not answer", ["up", ...free, "--store", "redis://127.0.0.1:1"], 3, [
      /Check that Redis runs at redis:\/\/127\.0\.0\.1:1, or leave --store out/,
    ]),
    row("database of Redis that is no number", ["up", ...free, "--store", "redis://127.0.0.1:1/abc"], 2, [
      /store\.url \(--store\) is "redis:\/\/127\.0\.0\.1:1\/abc"/,
      /\[\/DB\].*DB is a number/,
    ]),
    row("unknown setting in a file", ["queues", "--config", file("a.yaml", "server:\n  htpPort: 1\n")], 2, [
      /a\.yaml:2:3.*did you mean "server\.httpPort"/,
    ]),
    row("unknown variable", ["queues"], 2, [/AGENTMESH_STOR_URL.*did you mean "AGENTMESH_STORE_URL"/], {
      env: { AGENTMESH_STOR_URL: "x" },
    }),
    row("wrong value of a setting", ["up", "--grpc-port", "70000"], 2, [
      /server\.grpcPort \(--grpc-port\) is "70000"/,
    ]),
    row("unknown command", ["lst"], 2, [/unknown command 'lst'/, /Did you mean list\?/]),
    row("unknown option", ["list", "--stat", "x"], 2, [/unknown option '--stat'/, /Did you mean --state\?/]),
    row("missing argument", ["get"], 2, [/missing required argument 'id'/]),
    row("role module that is none", ["roles", "--role-module", "/no/such.ts"], 2, [
      /\/no\/such\.ts cannot be loaded/,
    ]),
    row("unknown field of an input", ["submit", "testing", `{"repository": ".", "repo": "."}`, ...at], 2, [
      /spec\.input: has no "repo"; it knows repository, /,
    ]),
    row("server that no control plane is named for", ["queues", "--server", "xds:///x"], 2, [
      /xds:\/\/\/ needs a control plane.*--discovery/,
    ]),
    row("server that names no role", ["queues", "--server", "xds:x", "--discovery", "127.0.0.1:9"], 2, [
      /client\.server/,
    ]),
    row("repository that does not exist", ["demo", "--repository", "/no/such"], 4, [
      /--repository: \/no\/such does not exist/,
    ]),
    row(
      "data directory in a file system that takes none",
      ["up", ...free.slice(2), "--data-dir", "/proc/x"],
      2,
      [/data\.dir: \/proc\/x cannot be used: .*--data-dir/],
    ),
    row("data directory below a file", ["up", ...free.slice(2), "--data-dir", join(cycle, "x")], 2, [
      /data\.dir: .*cycle\.yaml is not a directory; name another with --data-dir/,
    ]),
    row("data directory of a demo", ["demo", "--data-dir", "/proc/x"], 2, [
      /data\.dir: \/proc\/x.*--data-dir/,
    ]),
    row("store that is a directory", ["up", ...free.slice(2), "--store", "sqlite:/tmp"], 2, [
      /store\.url: \/tmp is a directory; name a file with --store/,
    ]),
    row("report's directory of a demo", ["demo", "--out", "/proc/x/y"], 2, [
      /--out: cannot write to \/proc\/x\/y/,
    ]),
    row("report's directory of a run", ["run", "review", "--out", join(cycle, "x"), ...at], 2, [
      /--out: cannot write to .*cycle\.yaml is not a directory/,
    ]),
    row(
      "repository of a run that does not exist",
      ["run", "review", "--input", "repository=/no/such", ...at],
      4,
      [/--input repository: \/no\/such does not exist/],
    ),
    row("repository that is a file", ["demo", "--repository", cycle], 4, [/is not a directory/]),
  ];
}

describe("bad input", () => {
  const results: { readonly wanted: Case; readonly ran: Ran }[] = [];
  const taken = createServer();

  beforeAll(async () => {
    const usedDir = join(directory, "used");
    const up = await startUp(["--data-dir", usedDir]);
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    await inParallel(cases(up.server, port, usedDir), 4, async (wanted) => {
      const ran = await agentmesh(wanted.args, { cwd: directory, env: wanted.env, stdin: wanted.stdin });
      results.push({ wanted, ran });
    });
    expect(await up.stop()).toBe(0);
  });
  afterAll(async () => {
    taken.close();
    await cleanUp();
  });

  it("ends each with its code, and says what is wrong on stderr alone", () => {
    const wrong = results.flatMap(({ wanted, ran }) => {
      const missing = wanted.says.filter((words) => !words.test(ran.stderr));
      const isRight = ran.code === wanted.code && missing.length === 0 && ran.stdout === "";
      return isRight ? [] : [{ case: wanted.name, missing: missing.map(String), ...ran }];
    });
    expect(results.length).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
  });

  it("shows no stack", () => {
    for (const { ran, wanted } of results) expect(ran.stderr, wanted.name).not.toMatch(/^\s+at .*:\d+/m);
  });

  it("says soon that no server is there", async () => {
    const begun = performance.now();
    expect((await agentmesh(["list", "--server", nowhere])).code).toBe(3);
    // Some 0.3 s where the cores are free.
    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});
