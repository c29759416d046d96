/** A rule that cannot fail is worth nothing: each is shown what it must refuse, and what it must let pass. */
import { describe, expect, test } from "vitest";
import { importCycles, redisElsewhere, suffixMissing, wrongWay } from "./rules/imports.ts";
import { consoleElsewhere, environmentElsewhere, timeElsewhere } from "./rules/reach.ts";
import { folderByKind, linesMax, silentSkips, tooLong, undocumented, unfinished } from "./rules/shape.ts";
import { type Breach, parseSource, type Source } from "./rules/source.ts";
import {
  commandNames,
  failureKindsIn,
  makeTargets,
  registryNamed,
  unknownCommands,
  unknownTargets,
} from "./rules/words.ts";

type Rule = (source: Source) => readonly Breach[];

function linesRefused(rule: Rule, path: string, text: string): number[] {
  return rule(parseSource(path, text)).map(({ line }) => line);
}

describe("wrongWay", () => {
  test.each([
    ["src/core/a.ts", 'import { b } from "../queue/b.ts";'],
    ["src/queue/a.ts", 'import type { B } from "../rpc/b.ts";'],
    ["src/queue/a.ts", 'export * from "../agent/b.ts";'],
    ["src/queue/a.ts", 'export { b } from "../agent/b.ts";'],
    ["src/queue/a.ts", 'const b = await import("../roles/b.ts");'],
    ["src/queue/a.ts", 'let b: import("../roles/b.ts").B;'],
    ["src/client/a.ts", 'import { b } from "../agent/b.ts";'],
    ["src/roles/a.ts", 'import { b } from "../cli/b.ts";'],
    ["src/agent/a.ts", 'import { b } from "../b.ts";'],
    ["src/utils/a.ts", "export const a = 1;"],
  ])("%s: %s is refused", (path, text) => expect(linesRefused(wrongWay, path, text)).toEqual([1]));

  test.each([
    [
      "src/core/a.ts",
      'import { b } from "../../gen/grpc/b.ts"; import c from "node:fs"; import { d } from "./d.ts";',
    ],
    ["src/queue/redis/a.ts", 'import { b } from "../store.ts"; import { c } from "../../core/c.ts";'],
    ["src/agent/a.ts", 'import { b } from "../client/b.ts"; import { c } from "../queue/c.ts";'],
    ["src/cli/a.ts", 'import { b } from "../roles/b.ts"; import { c } from "../core/c.ts";'],
    ["src/queue/a.ts", '// import { b } from "../roles/b.ts"\nconst text = `import "../roles/b.ts"`;'],
  ])("%s: %s passes", (path, text) => expect(linesRefused(wrongWay, path, text)).toEqual([]));
});

describe("importCycles", () => {
  const sources = (...texts: [string, string][]) => texts.map(([path, text]) => parseSource(path, text));

  test("a loop of three is told once, with its way", () => {
    const loop = sources(
      ["src/a.ts", 'import "./b.ts";'],
      ["src/b.ts", '\nexport * from "./c.ts";'],
      ["src/c.ts", 'import { a } from "./a.ts";'],
    );
    const says = "imports go round: src/a.ts → src/b.ts → src/c.ts → src/a.ts";
    expect(importCycles(loop)).toEqual([{ path: "src/c.ts", line: 1, says }]);
  });

  test("types may refer to each other, and two ways to one file are no loop", () => {
    const tree = sources(
      ["src/a.ts", 'import "./b.ts"; import "./c.ts";'],
      ["src/b.ts", 'import "./c.ts"; import type { A } from "./a.ts";'],
      ["src/c.ts", 'import { type B } from "./b.ts";'],
    );
    expect(importCycles(tree)).toEqual([]);
  });
});

test("redisElsewhere", () => {
  expect(linesRefused(redisElsewhere, "src/queue/a.ts", 'import Redis from "ioredis";')).toEqual([1]);
  expect(linesRefused(redisElsewhere, "src/queue/redis/a.ts", 'import Redis from "ioredis";')).toEqual([]);
});

test("suffixMissing", () => {
  expect(linesRefused(suffixMissing, "src/a.ts", 'import "./b";\nimport "./c.ts";\nimport "d";')).toEqual([
    1,
  ]);
});

describe("environmentElsewhere", () => {
  test.each([
    "process.env.A",
    'process["env"]',
    'import { env } from "node:process"',
    "const { env } = process",
  ])("%s is refused", (text) =>
    expect(linesRefused(environmentElsewhere, "src/cli/a.ts", text)).toEqual([1]),
  );
  test("core/config may, and a comment or another env is none", () => {
    expect(linesRefused(environmentElsewhere, "src/core/config/a.ts", "process.env.A")).toEqual([]);
    expect(
      linesRefused(environmentElsewhere, "src/cli/a.ts", "// process.env\nsources.env; process.cwd();"),
    ).toEqual([]);
  });
});

describe("timeElsewhere", () => {
  test.each([
    "Date.now()",
    "new Date()",
    "new Date",
    "Date()",
    "performance.timeOrigin",
    "const now = Date.now;",
  ])("%s is refused", (text) => {
    expect(linesRefused(timeElsewhere, "src/sandbox/a.ts", text)).toEqual([1]);
    expect(linesRefused(timeElsewhere, "src/core/clock.ts", text)).toEqual([]);
  });
  test("a given time may become a Date, and durations are measured where that is their use", () => {
    expect(linesRefused(timeElsewhere, "src/queue/a.ts", "new Date(1); clock.now(); // Date.now()")).toEqual(
      [],
    );
    expect(linesRefused(timeElsewhere, "src/queue/a.ts", "performance.now()")).toEqual([1]);
    expect(linesRefused(timeElsewhere, "src/sandbox/a.ts", "performance.now()")).toEqual([]);
  });
});

test("consoleElsewhere", () => {
  expect(
    linesRefused(consoleElsewhere, "src/agent/a.ts", "console.log(1);\nlog.info({}, 'console.log');"),
  ).toEqual([1]);
  expect(linesRefused(consoleElsewhere, "src/cli/a.ts", "console.log(1);")).toEqual([]);
});

test("tooLong", () => {
  expect(linesRefused(tooLong, "src/a.ts", "x;\n".repeat(linesMax + 1))).toEqual([linesMax]);
  expect(linesRefused(tooLong, "src/a.ts", "x;\n".repeat(linesMax))).toEqual([]);
});

test("folderByKind", () => {
  expect(folderByKind("src/queue/utils/a.ts")).toHaveLength(1);
  expect(folderByKind("src/queue/helpers.ts")).toHaveLength(0);
});

test("unfinished", () => {
  const mark = ["TO", "DO"].join("");
  expect(linesRefused(unfinished, "src/a.ts", `1;\n// ${mark}: later\nconst a = "${mark}";`)).toEqual([2]);
});

describe("undocumented", () => {
  test.each([
    ["import 'a';\nexport function f() {}\nexport class G {}", [1, 2, 3]],
    ["export const a = 1;", [1]],
    ["// no doc\nexport function f() {}", [1, 2]],
    ["/** F. */\nexport function f() {}\nexport default function () {}", [3]],
  ])("%j is refused", (text, lines) => expect(linesRefused(undocumented, "src/a.ts", text)).toEqual(lines));

  test.each([
    "/** Head. */\nimport 'a';\nexport interface A {}\nexport function b() {}",
    "/** Head. */\n\nexport const a = 1;\nexport function b() {}",
    "/** Head. */\n\n/** A. */\nexport interface A {}\nexport function b() {}",
    "import 'a';\n/** F. */\nexport async function f() {}",
    "import 'a';\n/** C. */\nexport const c = 1;\nexport const d = 1;",
    "function inner() {}",
  ])("%j passes", (text) => expect(linesRefused(undocumented, "src/a.ts", text)).toEqual([]));
});

describe("silentSkips", () => {
  test.each([
    'test.skip("a", () => {});',
    'describe.skip("a", () => {});',
    'test.only("a", () => {});',
    'it.todo("a");',
    "context.skip();",
    'test.skipIf(!redis)("a", () => {});',
    'describe.runIf(redis)("a", () => {});',
  ])("%s is refused", (text) => expect(linesRefused(silentSkips, "tests/a.test.ts", text)).toEqual([1]));

  test.each([
    'context.skip("bubblewrap is missing");',
    "context.skip(reason);",
    'test.skipIf(!redis)("a (needs redis-server)", () => {});',
    "items.skip(); stream.skip(2);",
  ])("%s passes", (text) => expect(linesRefused(silentSkips, "tests/a.test.ts", text)).toEqual([]));
});

describe("words", () => {
  test("a registry's address is refused", () => {
    const host = ["https://registry", "npmjs", "org/x"].join(".");
    expect(registryNamed({ path: "docs/a.md", text: `a\nsee ${host}` }).map(({ line }) => line)).toEqual([2]);
    expect(registryNamed({ path: "package-lock.json", text: '"resolved": "x"' })).toHaveLength(1);
    expect(registryNamed({ path: "docs/a.md", text: "the registry of roles" })).toEqual([]);
  });

  const page = {
    path: "README.md",
    text: "make sure\nrun `make tset`\n```sh\nmake test # make it\nagentmesh upp --x\nnpx agentmesh up\n```\n`agentmesh list`",
  };

  test("make targets that are not there are refused; prose and comments are none", () => {
    expect(unknownTargets(page, ["test"])).toEqual([
      { path: "README.md", line: 2, says: "there is no `make tset`" },
    ]);
  });

  test("commands that are not there are refused", () => {
    expect(unknownCommands(page, ["up", "list"]).map(({ line }) => line)).toEqual([5]);
  });

  test("commands are read from what commander is given", () => {
    const cli = parseSource(
      "src/cli/a.ts",
      'program.command("up [roles...]"); new Command("list"); other("x");',
    );
    expect(commandNames([cli])).toEqual(["up", "list"]);
  });

  test("kinds of failure are read from what makes them", () => {
    const code =
      'throw new TerminalError("A_B", m); terminal("C", m); const someKind = "D"; other("E"); const kind = `F`;';
    expect(failureKindsIn([parseSource("src/agent/a.ts", code)])).toEqual(["A_B", "C", "D"]);
  });

  test("a Makefile's targets are read", () => {
    expect(makeTargets(".PHONY: a\nnode := b\ntest: setup ## Run\n\t@run: x\ncheck-docs:\n")).toEqual([
      "test",
      "check-docs",
    ]);
  });
});
