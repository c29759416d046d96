/** Listening on a port, and the error that says which setting to change where that cannot be. */
import type { AddressInfo, Server } from "node:net";
import { MeshError } from "../core/errors.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What it is, and the setting named in the error, when the port is taken. */
  readonly what: string;
  readonly portSetting: string;
}

/** The port that is listened on; rejects with PORT_IN_USE that names the setting. */
export function listen(server: Server, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    // Not once: a server that has no file handles left to accept with says so too, and goes on.
    server.on("error", (error) => reject(portTaken(options, error)));
    server.listen(options.port, options.host, () => resolve((server.address() as AddressInfo).port));
  });
}

const whyNoListening: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EACCES: "this user may not",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** The error for a port that cannot be listened on. */
export function portTaken({ host, port, what, portSetting }: ListenOptions, cause: Error): MeshError {
  const known = Object.keys(whyNoListening).find((code) => cause.message.includes(code)) ?? "";
  const why = whyNoListening[known] ?? cause.message;
  const message = `${what}: ${addressOf(host, port)} cannot be listened on (${why}); stop what holds it, or set ${portSetting}`;
  return new MeshError("PORT_IN_USE", message, { cause });
}

/** As it is written, IPv6 in brackets. */
export function addressOf(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
