/** What the role takes and gives. */
import { z } from "zod";

export const TestInput = z.strictObject({
  /** The repository's directory, on the machine that the worker runs on; never written to. */
  repository: z.string().min(1).describe("directory of the repository, on the worker's machine"),
  /** A shell command that runs the tests; default: what the repository itself says. */
  command: z
    .string()
    .max(8_192)
    .optional()
    // A workflow hands an input that its user left empty on as it is.
    .transform((command) => command?.trim() || undefined)
    .describe("shell command that runs the tests; found by itself when left out"),
  /** Wall time of the test run; default 600,000. */
  timeoutMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .optional()
    .describe("wall time of the test run, in milliseconds"),
});
export type TestInput = z.infer<typeof TestInput>;

export const TestFailure = z.object({
  message: z.string(),
  /** Stack, diff or output of the test. */
  details: z.string().optional(),
  file: z.string().optional(),
  line: z.int().optional(),
});
export type TestFailure = z.infer<typeof TestFailure>;

export const TestCase = z.object({
  name: z.string(),
  /** The suites around the test, outermost first, joined by " > ". */
  suite: z.string().optional(),
  /** Relative to the repository. */
  file: z.string().optional(),
  status: z.enum(["passed", "failed", "skipped"]),
  durationMs: z.number(),
  failure: TestFailure.optional(),
});
export type TestCase = z.infer<typeof TestCase>;

export const TestCounts = z.object({ passed: z.int(), failed: z.int(), skipped: z.int(), total: z.int() });

export const TestReport = z.object({
  /** True when the command exited with 0 and no test failed. */
  ok: z.boolean(),
  runner: z.string(),
  /** The command as it was run. */
  command: z.string(),
  /** Which walls stood around the command: "bubblewrap", or "none". */
  containment: z.enum(["bubblewrap", "none"]),
  /** Null when a signal ended the command. */
  exitCode: z.int().nullable(),
  durationMs: z.number(),
  /** Of all tests, those that are not listed included. */
  counts: TestCounts,
  /** Failed ones first. */
  tests: z.array(TestCase),
  truncated: z.object({
    /** Tests that are counted and not listed. */
    tests: z.int(),
    /** Failures whose message or details were cut. */
    failures: z.int(),
  }),
});
export type TestReport = z.infer<typeof TestReport>;
