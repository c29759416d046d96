/** One process of the run: started, killed, frozen, started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes } from "../../src/cli/exit-codes.ts";

export type MemberKind = "server" | "worker" | "submitter";

export interface MemberOptions {
  readonly kind: MemberKind;
  /** Unique in the run. */
  readonly name: string;
  /** Of the process that is started for the nth time, from 0. */
  readonly args: (incarnation: number) => readonly string[];
  /** What it says goes to files here. */
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
}

const libraries = ["x86_64", "aarch64"].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`,
);
/** Moves the clock of a process; undefined where it is not installed. */
export const clockLibrary = libraries.find((path) => existsSync(path));

/** Before a process that ended by itself is started again. */
const againMs = 300;
/** More than `drain.timeoutSeconds` and what a server adds to it. */
const drainMsMax = 40_000;
/** A server that was asked to end, while it started or later, ends so, or by the signal where it had hardly begun. */
const drainedCodes: readonly (number | null)[] = [exitCodes.ok.code, exitCodes.interrupted.code];

export class Member {
  readonly kind: MemberKind;
  readonly name: string;
  /** Exits that nobody asked for, other than a submitter's at its end. */
  readonly surprises: string[] = [];
  readonly #options: MemberOptions;
  readonly #clockFile: string;
  #incarnation = 0;
  #process: ChildProcess | undefined;
  /** The process that was asked to end. */
  #drained: ChildProcess | undefined;
  #isDone = false;
  #hasEnded = false;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.name = options.name;
    this.#clockFile = join(options.directory, `${options.name}.clock`);
    this.moveClock(0);
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Submitters alone are ever done. */
  get isDone(): boolean {
    return this.#isDone;
  }

  start(): void {
    if (this.#isDone || this.#hasEnded || this.#process) return;
    const { args, directory, env } = this.#options;
    const said = openSync(join(directory, `${this.name}.${this.#incarnation}.log`), "a");
    const child = spawn(process.execPath, args(this.#incarnation++), {
      cwd: directory,
      stdio: ["ignore", said, said],
      env: { PATH: process.env.PATH, ...env, ...this.#clockEnvironment() },
    });
    closeSync(said);
    this.#process = child;
    child.once("exit", (code, signal) => {
      sweepClock(child.pid);
      this.#exited(code, signal);
    });
  }

  /** Ends it at once, as a crash does; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#process = undefined;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Asks it to end, as whoever runs it does; resolves when it is gone. One that does not end in time is killed. */
  async drain(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#drained = child;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), drainMsMax);
    await exited;
    clearTimeout(late);
  }

  /** As {@link kill}, and it is not started again. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.kill();
  }

  /** For the end of this process, which waits for nothing. */
  killNow(): void {
    this.#process?.kill("SIGKILL");
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** How far from the machine's its clock is, from the next second on. */
  moveClock(offsetSeconds: number): void {
    writeFileSync(this.#clockFile, `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}\n`);
  }

  #clockEnvironment(): Record<string, string> {
    if (clockLibrary === undefined) return {};
    return {
      LD_PRELOAD: clockLibrary,
      FAKETIME_TIMESTAMP_FILE: this.#clockFile,
      FAKETIME_CACHE_DURATION: "1",
      // The time of day alone is moved: nothing else of a machine goes back.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  #exited(code: number | null, signal: string | null): void {
    if (this.#process === undefined) return;
    const endsSo = signal === "SIGTERM" || drainedCodes.includes(code);
    const wasAsked = this.#drained === this.#process && endsSo;
    this.#process = undefined;
    if (wasAsked) return;
    if (this.kind === "submitter" && code === 0) {
      this.#isDone = true;
      return;
    }
    // A server whose store is away does not start: whoever runs it tries again.
    const waits = this.kind === "server" && code === exitCodes.unavailable.code;
    const said = `${this.name}.${this.#incarnation - 1}.log`;
    if (!waits)
      this.surprises.push(`${this.name} ended by itself: ${signal ?? `exit ${code}`}; it said so in ${said}`);
    setTimeout(() => this.start(), againMs);
  }
}

/** What the library leaves in shared memory of a process that was killed. */
function sweepClock(pid: number | undefined): void {
  for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
    rmSync(join("/dev/shm", name), { force: true });
}
