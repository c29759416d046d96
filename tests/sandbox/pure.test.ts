import { describe, expect, it } from "vitest";
import { commandEnvironment, commandPath } from "../../src/sandbox/environment.ts";
import { defaultLimits } from "../../src/sandbox/limits.ts";
import { BoundedOutput, LineSplitter } from "../../src/sandbox/output.ts";
import {
  membersOf,
  overLimit,
  type ProcessEntry,
  parseResidentBytes,
  parseStat,
} from "../../src/sandbox/proc.ts";
import { outcome } from "../../src/sandbox/process.ts";
import { type WallFacts, wallsFor } from "../../src/sandbox/walls.ts";

describe("LineSplitter", () => {
  const split = (chunks: (string | Buffer)[], charactersMax?: number): string[] => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line), charactersMax);
    for (const chunk of chunks) splitter.push(Buffer.from(chunk));
    splitter.end();
    return lines;
  };

  it.each<[string, (string | Buffer)[], string[]]>([
    ["joins pieces of a line", ["on", "e\ntw", "o\n"], ["one", "two"]],
    ["keeps empty lines", ["\n\na\n"], ["", "", "a"]],
    ["hands over a last line without an end", ["a\nb"], ["a", "b"]],
    ["takes off the carriage return", ["a\r\nb\r\n"], ["a", "b"]],
    ["joins a character that was cut in two", [Buffer.from([0xe2, 0x9c]), Buffer.from([0x94, 0x0a])], ["✔"]],
    ["gives nothing for nothing", [], []],
  ])("%s", (_name, chunks, lines) => expect(split(chunks)).toEqual(lines));

  it("cuts a line that is too long, and says by how much", () => {
    expect(split(["abcdef", "ghi\nnext\n"], 4)).toEqual(["abcd… (5 more characters)", "next"]);
  });
});

describe("BoundedOutput", () => {
  it("has one budget for both streams", () => {
    const lines: string[] = [];
    const output = new BoundedOutput(6, (line, stream) => lines.push(`${stream}:${line}`));
    output.push("stdout", Buffer.from("ab\n"));
    output.push("stderr", Buffer.from("cdefgh\n"));
    output.push("stdout", Buffer.from("lost\n"));
    output.end();
    expect([output.text("stdout"), output.text("stderr"), output.truncated]).toEqual(["ab\n", "cde", true]);
    expect(lines).toEqual(["stdout:ab", "stderr:cde"]);
  });
});

describe("/proc", () => {
  it("reads a stat line whose name has spaces and brackets", () => {
    const line =
      "42 (a) b (c) S 7 42 40 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 11 0 12345 1000 200 18446744073709551615";
    expect(parseStat(line)).toEqual({
      pid: 42,
      parent: 7,
      session: 40,
      state: "S",
      threads: 11,
      startTime: 12345,
    });
  });

  it.each(["", "42 (sh) S 7", "nonsense"])("answers nothing for %j", (line) =>
    expect(parseStat(line)).toBeUndefined(),
  );

  it("counts anonymous and shared pages, not those of files", () => {
    const status =
      "Name:\tx\nVmRSS:\t  900 kB\nRssAnon:\t  100 kB\nRssFile:\t  700 kB\nRssShmem:\t   20 kB\n";
    expect(parseResidentBytes(status)).toBe(120 * 1_024);
  });

  const entry = (pid: number, parent: number, more: Partial<ProcessEntry> = {}): ProcessEntry => ({
    ...{ pid, parent, session: 1, state: "S", threads: 1, startTime: pid * 10 },
    ...more,
  });
  const pidsOf = (members: readonly ProcessEntry[]) =>
    members.map((member) => member.pid).sort((a, b) => a - b);

  it("follows parents, and passes over the dead but not over their children", () => {
    const table = [entry(1, 0), entry(10, 1), entry(11, 10, { state: "Z" }), entry(12, 11), entry(20, 1)];
    expect(pidsOf(membersOf(table, { root: 10 }))).toEqual([10, 12]);
  });

  it("finds by session, and by an earlier look, what has another parent now", () => {
    const table = [
      entry(10, 1, { session: 10 }),
      entry(11, 1, { session: 10 }),
      entry(12, 1),
      entry(13, 12),
      entry(14, 1),
    ];
    const known = new Map([
      [12, 120],
      [14, 999],
    ]);
    expect(pidsOf(membersOf(table, { root: 10, session: 10, known }))).toEqual([10, 11, 12, 13]);
  });

  it.each([
    [100, 10, 10, undefined],
    [101, 11, 11, "memory"],
    [0, 11, 0, "processes"],
    [0, 0, 11, "processes"],
  ])("with %i bytes, %i processes and %i refused is over %s", (memoryBytes, processes, refused, end) => {
    const limits = { ...defaultLimits, memoryBytes: 100, processesMax: 10 };
    expect(overLimit({ memoryBytes, processes, refused }, limits)).toBe(end);
  });
});

describe("outcome", () => {
  it.each([
    [undefined, { code: 3, signal: null }, { end: "exited", exitCode: 3, signal: undefined }],
    [undefined, { code: 255, signal: null }, { end: "exited", exitCode: 255, signal: undefined }],
    [undefined, { code: 139, signal: null }, { end: "signaled", exitCode: undefined, signal: "SIGSEGV" }],
    [
      undefined,
      { code: null, signal: "SIGKILL" as const },
      { end: "signaled", exitCode: undefined, signal: "SIGKILL" },
    ],
    [
      "memory" as const,
      { code: 137, signal: null },
      { end: "memory", exitCode: undefined, signal: undefined },
    ],
  ])("%s and %j is %j", (end, status, expected) => expect(outcome(end, status)).toEqual(expected));
});

describe("the environment of a command", () => {
  it("puts our Node first and leaves out relative directories and packages' tools", () => {
    const path = "/usr/bin:/srv/node_modules/.bin::bin:/opt/node/bin:/usr/bin";
    expect(commandPath(path, "/opt/node/bin/node")).toEqual(["/opt/node/bin", "/usr/bin"]);
  });

  it("lets what is added win", () => {
    const facts = { host: { PATH: "/bin", TZ: "UTC" }, execPath: "/n/node", scratch: "/s" };
    const environment = commandEnvironment({ ...facts, added: { CI: "false" } });
    expect(environment).toMatchObject({ PATH: "/n:/bin", HOME: "/s", TMPDIR: "/s", TZ: "UTC", CI: "false" });
  });
});

describe("the walls", () => {
  const facts: WallFacts = {
    ...{ home: "/home/ada", execPath: "/opt/node/bin/node", path: ["/usr/bin"], hide: [] },
    exists: () => true,
  };
  const shownWith = (more: Partial<WallFacts>) =>
    wallsFor({ ...facts, exists: (path) => !/^\/home\/ada\/[.gm]/.test(path), ...more }).shown;

  it("hides homes once, where a home lies elsewhere too", () => {
    expect(wallsFor(facts).emptyDirectories).toContain("/home");
    expect(wallsFor(facts).emptyDirectories).not.toContain("/home/ada");
    expect(wallsFor({ ...facts, home: "/data/ada" }).emptyDirectories).toContain("/data/ada");
    expect(wallsFor({ ...facts, home: "/" }).emptyDirectories).not.toContain("/");
  });

  it("shows toolchains of a hidden home again, and nothing else of it", () => {
    const { shown } = wallsFor({
      ...facts,
      path: ["/home/ada/.pyenv/shims", "/home/ada/tools", "/home/ada", "/usr/bin"],
    });
    expect(shown).toContain("/home/ada/.pyenv");
    expect(shown).toContain("/home/ada/tools");
    expect(shown).not.toContain("/home/ada");
    expect(shown).not.toContain("/home/ada/.pyenv/shims");
    expect(shown).not.toContain("/usr/bin");
  });

  it("shows the Node that runs us when it lies in a home", () => {
    expect(shownWith({ execPath: "/home/ada/node/bin/node" })).toContain("/home/ada/node/bin");
  });

  it("mounts over nothing that does not exist", () => {
    expect(wallsFor({ ...facts, exists: () => false })).toEqual({
      emptyDirectories: [],
      emptyFiles: [],
      shown: [],
    });
  });

  it("does not show again what it was told to hide", () => {
    const shown = shownWith({ path: ["/data/mesh/bin"], hide: ["/data/mesh"] });
    expect(shown.filter((path) => path.startsWith("/data"))).toEqual([]);
  });
});
