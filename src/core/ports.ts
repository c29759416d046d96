/**
 * The one table of ports. In a pod every role listens on the four of {@link podPorts}. On one machine, where all roles share
 * an address, each role's gRPC port is the base plus 100 for each place in the list of roles, and the other three serve
 * the whole process. Manifests, discovery, settings and docs take their numbers from here.
 */

/** The listeners of a process: their ports in a pod, and what answers there. */
export const podPorts = Object.freeze({
  http: { port: 8080, serves: "HTTP/JSON and Connect" },
  grpc: { port: 9090, serves: "gRPC" },
  metrics: { port: 9091, serves: "metrics for Prometheus" },
  health: { port: 8081, serves: "liveness and readiness for Kubernetes" },
});

/** What a client dials, and how long it waits for the answer to one call, where nobody says otherwise. */
export const clientDefaults = Object.freeze({
  /** Where `agentmesh up` listens on the same machine. */
  server: `127.0.0.1:${podPorts.grpc.port}`,
  timeoutMs: 30_000,
});

/** Between the gRPC ports of two neighbours in the list of roles: room for a port that belongs to a role later. */
const grpcPortStep = 100;

/** The gRPC port of the role at `place` (from 0) in the list of roles; 0, "any free port", stays 0 for each. */
export function grpcPortOf(base: number, place: number): number {
  return base === 0 ? 0 : base + grpcPortStep * place;
}

/** The ports that a process is told to listen on. */
export interface ServerPorts {
  readonly httpPort: number;
  /** The base; see {@link grpcPortOf}. */
  readonly grpcPort: number;
  readonly metricsPort: number;
  readonly healthPort: number;
}

export interface PortFault {
  /** The setting to change, such as `server.httpPort`. */
  readonly setting: `server.${keyof ServerPorts}`;
  readonly description: string;
}

/** Ports that two listeners would share, or that lie past the last port, when `places` roles run in one process. */
export function portFaults(ports: ServerPorts, places: number): readonly PortFault[] {
  const faults: PortFault[] = [];
  const taken = new Map<number, string>();
  for (let place = 0; place < places; place++)
    taken.set(
      grpcPortOf(ports.grpcPort, place),
      place === 0 ? "server.grpcPort" : `the gRPC port of role ${place + 1}`,
    );
  const last = grpcPortOf(ports.grpcPort, places - 1);
  if (last > 65_535) {
    const description = `the gRPC port of role ${places} would be ${last}; ports end at 65535`;
    faults.push({ setting: "server.grpcPort", description });
  }
  for (const name of ["httpPort", "metricsPort", "healthPort"] as const) {
    const port = ports[name];
    const other = taken.get(port);
    if (port === 0) continue;
    if (other)
      faults.push({ setting: `server.${name}`, description: `is ${port}, which ${other} takes already` });
    taken.set(port, `server.${name}`);
  }
  return faults;
}
