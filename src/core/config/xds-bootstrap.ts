/**
 * The bootstrap of xDS lies in the process's environment, by gRPC's own rules: any gRPC library of the process reads it there,
 * once, before its first channel. So one process has one, and whoever is first says it.
 */
import { readFileSync } from "node:fs";

const fileVariable = "GRPC_XDS_BOOTSTRAP";
const textVariable = "GRPC_XDS_BOOTSTRAP_CONFIG";

export interface SaidBootstrap {
  readonly text: string;
  /** The variable, and the file that it names. */
  readonly where: string;
}

/** What somebody said for every gRPC client of this process; the file comes before the text. */
export function saidXdsBootstrap(): SaidBootstrap | undefined {
  const { [fileVariable]: file, [textVariable]: text } = process.env;
  if (file) return { text: readFileSync(file, "utf8"), where: `${fileVariable} (${file})` };
  return text ? { text, where: textVariable } : undefined;
}

/** Says it for this process. */
export function sayXdsBootstrap(text: string): void {
  delete process.env[fileVariable];
  process.env[textVariable] = text;
}
