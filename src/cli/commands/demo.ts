/** `agentmesh demo`: the workflow `review` on a mesh of its own, start to end. */
import { resolve } from "node:path";
import { Command } from "commander";
import type { SettingName } from "../../core/config/settings.ts";
import { MeshError } from "../../core/errors.ts";
import { withExamples } from "../help.ts";
import { checkRepository } from "../repository-path.ts";
import { addSettings } from "../setting-flags.ts";

export interface DemoOptions {
  readonly repository?: string;
  readonly out?: string;
  readonly command?: string;
}

export function command(): Command {
  const demo = new Command("demo")
    .description(
      "Starts a mesh of its own in this process, has it run the tests of a repository, look for secrets and risky code " +
        "and write a report, shows each step as it goes, and ends. Nothing of it stays but the report. The repository is " +
        "never written to; its tests run in a private copy, without a network. Ends with 0 whatever the verdict is.",
    )
    .option("--repository <dir>", "what to review; default: the sample that ships with agentmesh")
    .option("--out <dir>", "where the report goes; default: a new directory in .agentmesh/reports")
    .option("--command <command>", "shell command that runs the tests; default: what the repository says")
    .action(async (options: DemoOptions, self: Command) => {
      const repository = await repositoryOf(options.repository);
      const { runDemo } = await import("../run-demo.ts");
      await runDemo({ repository, out: options.out, command: options.command }, self);
    });
  addSettings(demo, ["server"], notForADemo);
  return withExamples(demo, [
    ["agentmesh demo", "Review the sample"],
    ["agentmesh demo --repository .", "Review this directory"],
    [`agentmesh demo --repository ../app --command "npm run unit" --out ./report`, "Say how, and where to"],
  ]);
}

/** The demo chooses its ports and its store, as `ownChoice` in embedded-mesh.ts says; the rest is for meshes that stay. */
const notForADemo: readonly SettingName[] = [
  ...([
    "server.host",
    "server.httpPort",
    "server.grpcPort",
    "server.metricsPort",
    "server.healthPort",
  ] as const),
  ...(["store.url", "sqlite.durability", "queue.maxTasks", "queue.retentionHours"] as const),
  ...(["queue.retentionTasks", "payload.maxBytes", "drain.timeoutSeconds", "log.format"] as const),
  ...(["payload.offloadBytes", "payload.bodyBytesMax", "bodies.url"] as const),
  ...(["s3.endpoint", "s3.region", "s3.accessKeyId"] as const),
];

/** Throws REPOSITORY_NOT_FOUND. */
async function repositoryOf(said: string | undefined): Promise<string> {
  if (said !== undefined) {
    const path = resolve(said);
    checkRepository(path, "--repository");
    return path;
  }
  const { sampleRepository } = await import("../../roles/testing/sample.ts");
  const sample = await sampleRepository();
  if (sample !== undefined) return sample;
  throw new MeshError(
    "REPOSITORY_NOT_FOUND",
    "the sample is not in this installation; name a repository with --repository",
  );
}
