/**
 * Makes this process an xDS client. What grpc-js-xds has for this is process-wide: the scheme, the balancer, and a bootstrap that is
 * read once. This file is the one place that touches it.
 */
import { hostname } from "node:os";
import { register } from "@grpc/grpc-js-xds";
import { saidXdsBootstrap, sayXdsBootstrap } from "../../core/config/xds-bootstrap.ts";
import { MeshError } from "../../core/errors.ts";
import { type Bootstrap, bootstrapOf, type ClientPlace, readBootstrap } from "./bootstrap.ts";
import { guardStreams } from "./guards.ts";
import { registerLeastRequest } from "./least-request.ts";
import { takeShortcuts } from "./shortcuts.ts";

export interface XdsOptions {
  /** HOST:PORT each; none: what GRPC_XDS_BOOTSTRAP or GRPC_XDS_BOOTSTRAP_CONFIG says. */
  readonly controlPlanes: readonly string[];
  readonly place: ClientPlace;
  readonly node?: ClientNode;
}

/** How a client names itself to its control planes. */
export interface ClientNode {
  /** Default: the machine's name and the process's number. */
  readonly id?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

let installed: Bootstrap | undefined;

/** Answers with the bootstrap in force. Throws INVALID_CONFIG where there is none, or where another is in force already. */
export function installXds(options: XdsOptions): Bootstrap {
  const bootstrap = chosen(options);
  if (installed) {
    const [now, before] = [bootstrap, installed].map(({ xds_servers }) => xds_servers[0]?.server_uri);
    if (now === before) return installed;
    const message = `this process has ${before} as its control plane, and can have no other; ${now} needs a process of its own`;
    throw new MeshError("INVALID_CONFIG", message);
  }
  sayXdsBootstrap(JSON.stringify(bootstrap));
  registerLeastRequest();
  register();
  guardStreams();
  takeShortcuts();
  installed = bootstrap;
  return bootstrap;
}

function chosen({ controlPlanes, place, node = {} }: XdsOptions): Bootstrap {
  if (controlPlanes.length > 0) {
    const nodeId = node.id ?? `${hostname()}/${process.pid}`;
    return bootstrapOf({ controlPlanes, place, nodeId, nodeMetadata: node.metadata });
  }
  if (installed) return installed;
  const said = saidXdsBootstrap();
  if (said) return readBootstrap(said.text, said.where);
  const message =
    "xds:/// needs a control plane: name one with client.discovery (--discovery HOST:PORT), or set GRPC_XDS_BOOTSTRAP";
  throw new MeshError("INVALID_CONFIG", message);
}
