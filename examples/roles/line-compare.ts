/** An example of a role that gives work to another: which of two repositories has more lines. */

import { defineRole } from "agentmesh";
import { z } from "zod";

const Count = z.object({ files: z.int(), lines: z.record(z.string(), z.int()) });

export default defineRole({
  name: "line-compare",
  summary: "Says which of two repositories has more lines",
  input: z.strictObject({ repositories: z.array(z.string()).length(2) }),
  output: z.object({ larger: z.string(), lines: z.array(z.int()) }),
  async run({ repositories }, task) {
    const counting = repositories.map((repository) => task.call("line-count", { repository }));
    const counts = z.array(Count).parse(await Promise.all(counting));
    const lines = counts.map((count) => Object.values(count.lines).reduce((sum, one) => sum + one, 0));
    return { larger: repositories[lines.indexOf(Math.max(...lines))] as string, lines };
  },
});
