/** The ports: free, held by a mesh, or held by a stranger. */
import { createServer } from "node:net";
import { MeshClient } from "../../client/mesh-client.ts";
import { grpcPortOf } from "../../core/ports.ts";
import { type Check, type Finding, fail, ok } from "./check.ts";

interface Port {
  readonly port: number;
  readonly what: string;
  readonly setting: string;
  /** Answers what the mesh that holds it says of itself; rejects where none does. */
  readonly ask: () => Promise<string>;
}

const patienceMs = 1_000;

export const checkPorts: Check = async ({ loaded, roles }) => {
  const { host, httpPort, grpcPort, metricsPort, healthPort } = loaded.config.server;
  const here = host === "0.0.0.0" ? "127.0.0.1" : host;
  const ports: Port[] = [
    ...roles.map((role, place) => {
      const port = grpcPortOf(grpcPort, place);
      return {
        port,
        what: `gRPC of ${role.name}`,
        setting: "server.grpcPort",
        ask: () => askGrpc(`${here}:${port}`),
      };
    }),
    {
      ...{ port: httpPort, what: "HTTP", setting: "server.httpPort" },
      ask: () => askHttp(`http://${here}:${httpPort}/`, /agentmesh/i, "a mesh's HTTP edge"),
    },
    {
      ...{ port: metricsPort, what: "metrics", setting: "server.metricsPort" },
      ask: () => askHttp(`http://${here}:${metricsPort}/metrics`, /^agentmesh_/m, "a mesh's metrics"),
    },
    {
      ...{ port: healthPort, what: "health", setting: "server.healthPort" },
      ask: () =>
        askHttp(`http://${here}:${healthPort}/readyz`, /^(ok|draining|no stream|the store)/, "a mesh"),
    },
  ];
  const states = await Promise.all(
    ports.map(async (port) => ({ port, finding: await findingOf(host, port) })),
  );
  const free = states.filter(({ finding }) => finding === undefined);
  const told = states.flatMap(({ finding }) => finding ?? []);
  if (free.length === 0) return told;
  return [
    ok("ports", `free: ${free.map(({ port }) => (port.port === 0 ? "any" : port.port)).join(", ")}`),
    ...told,
  ];
};

/** Undefined: it is free. */
async function findingOf(host: string, { port, what, setting, ask }: Port): Promise<Finding | undefined> {
  const fault = port === 0 ? undefined : await bindFault(host, port);
  if (fault === undefined) return undefined;
  const name = `port ${port}`;
  if (fault !== "EADDRINUSE")
    return fail(name, `${what} cannot listen on ${host}:${port}: ${fault}`, `set ${setting} or server.host`);
  try {
    return ok(name, `held by ${await ask()} (${what})`);
  } catch {
    return fail(name, `${what}: held by another program`, `stop it, or set ${setting}`);
  }
}

function bindFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function askGrpc(server: string): Promise<string> {
  const mesh = new MeshClient({ server, timeoutMs: patienceMs });
  try {
    const queues = await mesh.queues();
    return `a mesh of ${queues.length} roles`;
  } finally {
    mesh.close();
  }
}

async function askHttp(url: string, known: RegExp, name: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
  const text = await response.text();
  if (!known.test(text)) throw new Error("not a mesh");
  return name;
}
