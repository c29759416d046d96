/**
 * The contract of a sandbox: one command, contained. `bubblewrap.ts` is the real one; `uncontained.ts` runs without
 * walls and is used only where the user allowed it, or for the sample that ships with the project.
 */

/** Which walls stood around a command; every result carries it so that a report can say so. */
export type Containment = "bubblewrap" | "none";

export interface SandboxLimits {
  /** Resident memory of all the command's processes together; over it they are killed. */
  readonly memoryBytes: number;
  /** Processes and threads at once. */
  readonly processesMax: number;
  /** Wall time; past it the command is killed. */
  readonly timeMs: number;
  /** Bytes of output kept; the rest is dropped and `outputTruncated` is set. */
  readonly outputBytes: number;
}

export interface SandboxOptions {
  /** The only directory that the command may write to, and its working directory. */
  readonly workspace: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<SandboxLimits>;
  /** Aborting kills every process of the command. */
  readonly signal?: AbortSignal;
  /** Called for each line as it comes, without its line end. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** Why a command ended. */
export type SandboxEnd = "exited" | "signaled" | "timeout" | "memory" | "aborted";

export interface SandboxResult {
  readonly end: SandboxEnd;
  /** The exit status; undefined unless `end` is "exited". */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputTruncated: boolean;
  readonly durationMs: number;
  readonly containment: Containment;
}

export interface Sandbox {
  readonly containment: Containment;
  /** Runs `command` (argv, no shell) to its end; rejects only when it could not be started. */
  run(command: readonly string[], options: SandboxOptions): Promise<SandboxResult>;
}
