/** Input and output of the synthesis role. */
import { z } from "zod";

/** Worst first. */
export const verdicts = ["fail", "attention", "pass"] as const;
export const Verdict = z.enum(verdicts);
export type Verdict = z.infer<typeof Verdict>;

export const SynthesisInput = z.strictObject({
  /** Heads the report; default: "Report", with the repository's name where that is given. */
  title: z.string().max(500).optional(),
  repository: z.string().optional(),
  /** A node's name → its output, or `{error: {kind, message}}` where it failed. */
  sections: z.record(z.string(), z.unknown()),
});
export type SynthesisInput = z.infer<typeof SynthesisInput>;

export const SectionData = z.object({
  /** What its shape was recognised as, such as "testing". */
  kind: z.string(),
  verdict: Verdict,
  /** Half a sentence. */
  headline: z.string(),
  durationMs: z.number().optional(),
  /** What a program would ask for next; its fields depend on `kind`. */
  details: z.record(z.string(), z.unknown()),
});
export type SectionData = z.infer<typeof SectionData>;

export const SynthesisReport = z.object({
  verdict: Verdict,
  /** One to three sentences of plain text. */
  summary: z.string(),
  /** The whole report, for people: GitHub-flavoured Markdown. */
  markdown: z.string(),
  /** The same, condensed, for programs. */
  data: z.object({
    repository: z.string().optional(),
    counts: z.object({ fail: z.int(), attention: z.int(), pass: z.int() }),
    sections: z.record(z.string(), SectionData),
  }),
});
export type SynthesisReport = z.infer<typeof SynthesisReport>;
