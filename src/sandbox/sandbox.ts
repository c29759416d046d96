/**
 * The contract of a sandbox: one command, contained. `bubblewrap.ts` is the real one; `uncontained.ts` runs without
 * walls and is used only where the user allowed it, or for the sample that ships with the project.
 */

/** Which walls stood around a command; every result carries it so that a report can say so. */
export type Containment = "bubblewrap" | "none";

/** What a command may use; `limits.ts` has the defaults and their reasons. */
export interface SandboxLimits {
  /** Resident memory of all the command's processes together; over it they are killed. Default 2 GiB. */
  readonly memoryBytes: number;
  /** Processes and threads at once; the kernel refuses more where it can, else they are killed. Default 1,024. */
  readonly processesMax: number;
  /** Wall time; past it the command is killed. Default 600,000. */
  readonly timeMs: number;
  /** Bytes of output kept and passed on as lines; the rest is dropped and `outputTruncated` is set. Default 8 MiB. */
  readonly outputBytes: number;
}

export type OutputStream = "stdout" | "stderr";

export interface SandboxOptions {
  /** The only directory that the command may write to, and its working directory: an absolute path. */
  readonly workspace: string;
  /** Added to the clean environment; the caller's own environment is never passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<SandboxLimits>;
  /** Aborting kills every process of the command. */
  readonly signal?: AbortSignal;
  /** Called for each line as it comes, without its line end; a throw ends the command and rejects the run. */
  readonly onLine?: (line: string, stream: OutputStream) => void;
  /**
   * The command belongs to the sample that ships with agentmesh: where the machine has no sandbox it runs without walls,
   * and a line on stderr says so. Never set it for a command that a user or a repository names. Default false.
   */
  readonly trusted?: boolean;
}

/** Why a command ended. "processes" where it failed after the kernel refused it one: who lives with that has "exited". */
export type SandboxEnd = "exited" | "signaled" | "timeout" | "memory" | "processes" | "aborted";

export interface SandboxResult {
  readonly end: SandboxEnd;
  /** The exit status; undefined unless `end` is "exited". 127: no such command. */
  readonly exitCode: number | undefined;
  /** The signal that ended the command, such as "SIGSEGV"; undefined unless `end` is "signaled". */
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputTruncated: boolean;
  readonly durationMs: number;
  readonly containment: Containment;
  /** What the command was held to. */
  readonly limits: SandboxLimits;
}

export interface Sandbox {
  readonly containment: Containment;
  /** Runs `command` (argv, no shell) to its end; rejects only when it could not be started. No process outlives it. */
  run(command: readonly string[], options: SandboxOptions): Promise<SandboxResult>;
}
