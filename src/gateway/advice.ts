/** What the edge says to requests that reach no method: what is wrong, and what to send in its place. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { closest, distance } from "fastest-levenshtein";
import { MeshError } from "../core/errors.ts";
import { toConnectError } from "./connect-error.ts";

export interface Advice {
  readonly error: ConnectError;
  readonly status: number;
}

/** The path of a method, such as "/agentmesh.v1.TaskService/GetTask". */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

export function unknownPath(path: string, services: readonly DescService[]): Advice {
  const paths = services.flatMap((service) => service.methods.map(pathOf));
  const nearest = closest(path, paths);
  const isNear = paths.length > 0 && distance(path, nearest) <= path.length / 4;
  const hint = isNear ? `; did you mean ${nearest}?` : ";";
  return advice(404, Code.Unimplemented, `nothing is at ${shown(path)}${hint} GET / lists every method`);
}

export function notPosted(path: string): Advice {
  return advice(405, Code.Unimplemented, `${path} is a method: POST to it, with -d '{}' and a content-type`);
}

export function wrongType(method: DescMethod, type: string | undefined): Advice {
  const sent = type === undefined ? "no content-type was sent" : `content-type ${shown(type)} is not served`;
  if (method.methodKind === "unary")
    return advice(415, Code.InvalidArgument, `${sent}; send content-type: application/json`);
  const way = `use a client of Connect, such as: buf curl --schema proto http://HOST:PORT${pathOf(method)} -d '{…}'`;
  return advice(415, Code.InvalidArgument, `${method.name} answers with a stream, and ${sent}; ${way}`);
}

export function twoWay({ name, parent }: DescMethod): Advice {
  const message = `${parent.typeName}/${name} streams both ways, which HTTP/1.1 cannot carry; call it over gRPC (server.grpcPort)`;
  return { error: toConnectError(new MeshError("NOT_YET_SUPPORTED", message)), status: 501 };
}

export function unserved({ name, parent }: DescMethod): Advice {
  const message = `${parent.typeName}/${name} is in the contract and is not served here`;
  return { error: toConnectError(new MeshError("NOT_YET_SUPPORTED", message)), status: 501 };
}

/** A page of another site may name any host in its DNS as this machine; its requests then come with that name. */
export function foreignHost(host: string): Advice {
  const message = `this edge listens on this machine alone and is asked as ${shown(host)}; use localhost or an address, or set server.host`;
  return advice(403, Code.PermissionDenied, message);
}

function advice(status: number, code: Code, message: string): Advice {
  return { error: new ConnectError(message, code), status };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100).toWellFormed());
}
