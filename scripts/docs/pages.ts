/** The pages that are rendered, by their path in the repository. */
import { cliPage } from "./cli.ts";
import { configPage } from "./config.ts";
import { errorsPage } from "./errors.ts";
import { metricsPage } from "./metrics.ts";

/** Path and text of each rendered page. */
export async function renderPages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["docs/cli.md", await cliPage()],
    ["docs/config.md", configPage()],
    ["docs/errors.md", errorsPage()],
    ["docs/metrics.md", await metricsPage()],
  ]);
}
