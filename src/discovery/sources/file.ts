/** Endpoints from a file that people write: for meshes whose replicas stand still, and for trying things out. */
import { isIP } from "node:net";
import { z } from "zod";
import { type FieldViolation, MeshError } from "../../core/errors.ts";
import { readYaml } from "../../core/yaml.ts";
import type { Endpoint } from "../endpoint.ts";
import type { EndpointSource, SourceListener } from "../source.ts";
import { watchFile } from "../watch-file.ts";

const Replica = z.strictObject({
  /** HOST:PORT, the host an IP address. */
  address: z.string(),
  region: z.string().optional(),
  zone: z.string().optional(),
  subZone: z.string().optional(),
  weight: z.int().min(1).max(1_000).optional(),
  version: z.string().optional(),
  health: z.enum(["healthy", "draining", "unhealthy"]).optional(),
});

/** What such a file may hold: the replicas of each role. */
export const EndpointFile = z.strictObject({
  roles: z.record(z.string(), z.array(Replica)),
});
type EndpointFile = z.infer<typeof EndpointFile>;

/** Throws INVALID_CONFIG that names the file, the line and the field of each fault. */
export function readEndpoints(text: string, file: string): Endpoint[] {
  const { roles } = readYaml({ text, file, schema: EndpointFile, reason: "INVALID_CONFIG", rules: faultsOf });
  return Object.entries(roles).flatMap(([role, replicas]) =>
    replicas.map(
      ({ address, region = "", zone = "", subZone = "", weight = 1, version = "", health = "healthy" }) => ({
        id: address,
        role,
        ...splitAddress(address),
        locality: { region, zone, subZone },
        weight,
        version,
        health: health.toUpperCase() as Endpoint["health"],
      }),
    ),
  );
}

function faultsOf({ roles }: EndpointFile): FieldViolation[] {
  return Object.entries(roles).flatMap(([role, replicas]) =>
    replicas.flatMap(({ address }, index) => {
      const { address: host, port } = splitAddress(address);
      if (isIP(host) !== 0 && port >= 1 && port <= 65_535) return [];
      const description = `is "${address}"; write an IP address and a port, such as 10.0.0.7:9090 or [fd00::7]:9090`;
      return [{ field: `roles.${role}.${index}.address`, description }];
    }),
  );
}

function splitAddress(address: string): { readonly address: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  return { address: address.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(address.slice(at + 1)) };
}

/** Follows the file; what it cannot read or take leaves what it had. */
export class FileSource implements EndpointSource {
  readonly description: string;
  readonly #path: string;
  #stop: () => void = () => {};

  constructor(path: string) {
    this.#path = path;
    this.description = `the file ${path}`;
  }

  start({ changed, failed }: SourceListener): void {
    this.#stop = watchFile({
      path: this.#path,
      onText: (text) => {
        let endpoints: Endpoint[];
        try {
          endpoints = readEndpoints(text, this.#path);
        } catch (error) {
          failed(MeshError.from(error));
          return;
        }
        changed(endpoints);
      },
      onError: failed,
    });
  }

  async stop(): Promise<void> {
    this.#stop();
  }
}
