/** What a person at a terminal reads when the mesh is up; pure. */
import type { Role } from "../agent/role.ts";
import type { Config } from "../core/config/settings.ts";
import type { Mesh } from "./mesh.ts";
import { columnsOf, out, table } from "./output.ts";
import { wrapped } from "./terminal-text.ts";

export interface BannerFacts {
  readonly mesh: Mesh;
  readonly served: readonly Role[];
  readonly version: string;
  readonly config: Config;
}

export function banner({ mesh, served, version, config }: BannerFacts): string {
  const rows = mesh.servers.map((server, place) => ({ ...server, summary: served[place]?.summary ?? "" }));
  const columns = columnsOf(process.stdout);
  const roles = table(
    [
      { head: "ROLE", cell: (row) => row.role, paint: (cell) => out.bold(cell) },
      { head: "gRPC", cell: (row) => row.address, paint: (cell) => out.cyan(cell) },
      { head: "", cell: (row) => row.summary, paint: (cell) => out.dim(cell), least: 10 },
    ],
    rows,
    { width: columns - 2 },
  );
  return [
    "",
    `${out.green("✔")} ${out.bold(`agentmesh ${version}`)} is ready`,
    "",
    indented(roles),
    "",
    ...storeLines(mesh, columns),
    `  ${out.bold("http")}     http://${config.server.host}:${mesh.httpPort}`,
    `  ${out.bold("health")}   http://${config.server.host}:${mesh.healthPort}/readyz`,
    `  ${out.bold("metrics")}  http://${config.server.host}:${mesh.metricsPort}/metrics`,
    "",
    out.dim("  Try, in another terminal:"),
    ...hints(mesh, config).map((line) => `    ${line}`),
    "",
    out.dim("  Ctrl-C lets running tasks end, then stops; twice stops at once."),
    "",
  ].join("\n");
}

function storeLines({ store }: Mesh, columns: number): string[] {
  const text = (words: string) => wrapped(words, columns - 12).map((line) => `           ${line}`);
  return [
    `  ${out.bold("store")}    ${store.address}`,
    ...text(store.durability).map((line) => out.dim(line)),
    ...(store.warning ? text(`warning: ${store.warning}`).map((line) => out.yellow(line)) : []),
  ];
}

/** Commands that work as they stand, whatever the ports are. */
function hints(mesh: Mesh, config: Config): string[] {
  const address = mesh.servers[0]?.address ?? "";
  const server = address === config.client.server ? "" : ` --server ${address}`;
  const lines = [`agentmesh queues${server}`, `agentmesh list${server}`];
  const isWhole = ["orchestrator", "testing", "security", "synthesis"].every((name) =>
    mesh.servers.some(({ role }) => role === name),
  );
  return isWhole ? [`agentmesh run review --input repository=.${server}`, ...lines] : lines;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
