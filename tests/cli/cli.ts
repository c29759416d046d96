/** The real command line in child processes; what is started here is gone at the end of the test file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const root = join(import.meta.dirname, "../..");
const main = join(root, "src/cli/main.ts");
export const sample = join(root, "examples/sample-repository");

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** SIGINT, as Ctrl-C sends it, once its stderr has this. */
  readonly interruptAt?: RegExp;
}

const living = new Set<ChildProcess>();
const directories: string[] = [];

/** A directory that is gone after {@link cleanUp}. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "agentmesh-cli-"));
  directories.push(directory);
  return directory;
}

function start(args: readonly string[], { cwd = tmpdir(), env = {} }: RunOptions): ChildProcess {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [main, ...args], { cwd, env: { PATH, HOME, ...env } });
  living.add(child);
  child.once("exit", () => living.delete(child));
  return child;
}

/** Runs a command to its end. */
export async function agentmesh(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = start(args, options);
  // A command that does not read its stdin may have ended before all is written.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.stdin ?? "");
  let interrupted = false;
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      texts[stream] += text;
      if (!interrupted && options.interruptAt?.test(texts.stderr)) {
        interrupted = true;
        child.kill("SIGINT");
      }
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...texts };
}

export interface Up {
  /** The gRPC address of the first role. */
  readonly server: string;
  readonly ready: Readonly<Record<string, unknown>>;
  readonly child: ChildProcess;
  /** What it logged so far. */
  readonly log: readonly string[];
  /** Resolves with the first line that matches, past or to come. */
  line(pattern: RegExp): Promise<string>;
  /** Signals it, and answers with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `agentmesh up` on free ports, with a store of its own; resolves when it is ready. */
export function startUp(args: readonly string[] = [], directory = freshDirectory()): Promise<Up> {
  return startMesh("up", args, directory);
}

/** `agentmesh serve` of one role on free ports, where `args` say no other. */
export function startServe(role: string, args: readonly string[]): Promise<Up> {
  return startMesh("serve", ["--role", role, ...args], freshDirectory());
}

async function startMesh(name: string, args: readonly string[], directory: string): Promise<Up> {
  const ports = ["--http-port", "--grpc-port", "--metrics-port", "--health-port"].flatMap((flag) => [
    flag,
    "0",
  ]);
  const child = start([name, ...ports, ...args], { cwd: directory });
  const log: string[] = [];
  const waiting = new Set<(line: string | undefined) => void>();
  createInterface({ input: child.stderr! })
    .on("line", (text) => {
      log.push(text);
      for (const tell of waiting) tell(text);
    })
    .on("close", () => {
      for (const tell of waiting) tell(undefined);
    });
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const known = log.find((text) => pattern.test(text));
      if (known !== undefined) return resolve(known);
      const tell = (text: string | undefined) => {
        if (text !== undefined && !pattern.test(text)) return;
        waiting.delete(tell);
        if (text === undefined) reject(new Error(`it ended without ${pattern}:\n${log.join("\n")}`));
        else resolve(text);
      };
      waiting.add(tell);
    });
  const ready = JSON.parse(await line(/"message":"ready"/)) as { grpc: Record<string, string> };
  return {
    ...{ child, log, line, ready, server: Object.values(ready.grpc)[0] ?? "" },
    async stop(signal = "SIGTERM") {
      const ended = once(child, "exit");
      child.kill(signal);
      return ((await ended) as [number | null])[0];
    },
  };
}

/** For `afterAll`. */
export async function cleanUp(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }),
  );
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** Calls `act` for each, so many at once. */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
