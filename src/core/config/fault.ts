/** Faults in settings: gathered while loading, so that all of them are told at once. */
import { closest, distance } from "fastest-levenshtein";
import { MeshError } from "../errors.ts";
import { redactUrls } from "../redact.ts";

export interface ConfigFault {
  /** The setting, or what was written in its place. */
  readonly setting: string;
  /** Where it was written, such as `agentmesh.yaml:3:5`, `AGENTMESH_SERVER_HOST` or `--host`. */
  readonly where: string;
  /** Goes on from the setting's name: "is 70000; allowed: …". */
  readonly description: string;
}

/** One INVALID_CONFIG for all faults. */
export function configError(faults: readonly ConfigFault[]): MeshError {
  const lines = faults.map((fault) => `${fault.setting} (${fault.where}) ${fault.description}`);
  const message =
    lines.length === 1 ? lines[0]! : `${lines.length} faults in the settings:\n- ${lines.join("\n- ")}`;
  const fields = faults.map(({ setting, where, description }) => ({
    field: setting,
    description: `${description} (${where})`,
  }));
  return new MeshError("INVALID_CONFIG", message, { fields });
}

/** `; did you mean "server.host"?`, or nothing where no name is near. */
export function didYouMean(written: string, names: readonly string[]): string {
  const nearest = closest(written, names);
  const near = nearest !== undefined && distance(written, nearest) <= Math.max(2, written.length / 4);
  return near ? `; did you mean "${nearest}"?` : "";
}

const shownCharactersMax = 100;

/** A value as a message may show it: short, and without the credentials of a URL. */
export function shown(value: unknown): string {
  const text = redactUrls(JSON.stringify(value) ?? String(value));
  // A mistyped URL is none, and its password would show.
  const safe = text.includes("@") && !text.includes("***@") ? "a text with an @, not shown" : text;
  return safe.length <= shownCharactersMax ? safe : `${safe.slice(0, shownCharactersMax)}…`;
}
