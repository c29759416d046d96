/** Tells the sample repository that ships with agentmesh, whose own tests may run where no sandbox exists. */
import { realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The shipped sample's real path; undefined where it was left out of the installation. */
export async function sampleRepository(from: string = import.meta.dirname): Promise<string | undefined> {
  const package_ = await packageRoot(from);
  return package_ && (await realpath(join(package_, "examples", "sample-repository")).catch(() => undefined));
}

/** The nearest directory above with a package.json: the sources and the compiled files lie at different depths. */
async function packageRoot(directory: string): Promise<string | undefined> {
  const found = await stat(join(directory, "package.json")).catch(() => undefined);
  if (found) return directory;
  return dirname(directory) === directory ? undefined : packageRoot(dirname(directory));
}
