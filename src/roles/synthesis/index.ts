/** The synthesis role: one report, for people and for programs, from the outputs of a workflow's other nodes. */
import { defineRole } from "../../agent/role.ts";
import { SynthesisInput, SynthesisReport } from "./report.ts";
import { synthesize } from "./synthesize.ts";

export { SynthesisReport } from "./report.ts";

export default defineRole({
  name: "synthesis",
  summary: "Makes one report, with a verdict, of the outputs of a workflow's other nodes",
  input: SynthesisInput,
  output: SynthesisReport,
  // It waits for nothing: a report takes milliseconds.
  concurrency: 8,
  scale: { min: 1, max: 20, tasksPerReplica: 32 },
  run(input, task) {
    const report = synthesize(input);
    task.log(`${report.verdict}: ${report.summary}`);
    return report;
  },
});
