/**
 * The edge: the role's services over HTTP/1.1, as JSON, Connect and gRPC-web. It serves the very handlers that the gRPC server
 * serves, and what it adds to the protocols is advice where a request goes astray.
 */
import { createServer, type Server } from "node:http";
import { isIP } from "node:net";
import { Code, ConnectError, type ConnectRouterOptions, createConnectRouter } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { limits } from "../core/limits.ts";
import { draining, farewellMs, watchersMsMax } from "../rpc/draining.ts";
import { close } from "../rpc/http.ts";
import { listen } from "../rpc/listen.ts";
import type { MountedService } from "../rpc/server.ts";
import { toConnectError } from "./connect-error.ts";
import { describedService } from "./contract.ts";
import { frontPage } from "./front-page.ts";
import { type EdgeMountOptions, mountOnConnect } from "./mount.ts";
import { refuse } from "./refusal.ts";
import { type Served, serve } from "./serve.ts";

export interface EdgeOptions extends EdgeMountOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whose services these are, and the version; the front page names them. */
  readonly role: string;
  readonly version: string;
  readonly services: readonly MountedService[];
}

export interface Edge {
  readonly port: number;
  /**
   * Takes no new calls and lets those in flight end for at most `timeoutMs`, streams for a second. The rest are told
   * SERVER_DRAINING, and what still has not ended then is cut.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** Idle peers that vanished without a word are found out by TCP. */
const keepAliveMs = 30_000;
/** Node's timers reach no further. */
const timeoutMsMax = 2_147_483_647;

/** Throws PORT_IN_USE. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const ending = { unary: new AbortController(), streams: new AbortController() };
  const served = mountAll(options, ending);
  let isDraining = false;
  const server = createServer(
    { keepAlive: true, keepAliveInitialDelay: keepAliveMs },
    (request, response) => {
      if (isDraining) {
        response.setHeader("connection", "close");
        return refuse(request, response, toConnectError(draining()));
      }
      // Node keeps a connection open for a next request; while draining there is none to come.
      response.once("close", () => isDraining && setImmediate(() => server.closeIdleConnections()));
      serve(served, request, response).catch((error: unknown) => {
        // A peer that went away needs no answer, and is no fault.
        if (request.socket.destroyed || response.destroyed) return;
        if (!response.headersSent) refuse(request, response, unreadable());
        else response.destroy();
        options.log.warn({ path: request.url, error: String(error) }, "the edge cut an answer");
      });
    },
  );
  const { host, port } = options;
  const listening = await listen(server, { host, port, what: "HTTP", portSetting: "server.httpPort" });
  return {
    port: listening,
    drain(timeoutMs) {
      isDraining = true;
      return drain(server, ending, timeoutMs);
    },
  };
}

/** Tell the calls of each kind to end. */
interface Ending {
  readonly unary: AbortController;
  readonly streams: AbortController;
}

function mountAll(options: EdgeOptions, ending: Ending): Served {
  const routerOptions: ConnectRouterOptions = {
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: limits.messageBytesMax,
    // A field that is mistyped must not be taken for one that was left out.
    jsonOptions: { ignoreUnknownFields: false },
    maxTimeoutMs: timeoutMsMax,
  };
  const unary = { ...routerOptions, shutdownSignal: ending.unary.signal };
  const stream = { ...routerOptions, shutdownSignal: ending.streams.signal };
  const router = createConnectRouter();
  for (const service of options.services) mountOnConnect(router, service, { ...options, unary, stream });
  const services = options.services.map((service) => describedService(service.name));
  const { role, version, host } = options;
  return {
    handlers: new Map(router.handlers.map((handler) => [handler.requestPath, handler])),
    services,
    frontPage: (authority) => frontPage({ role, version, services }, authority),
    local: host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127.")),
  };
}

async function drain(server: Server, ending: Ending, timeoutMs: number): Promise<void> {
  const timers = [
    setTimeout(() => ending.streams.abort(draining()), Math.min(timeoutMs, watchersMsMax)),
    setTimeout(() => ending.unary.abort(draining()), timeoutMs),
  ];
  await close(server, timeoutMs + farewellMs);
  for (const timer of timers) clearTimeout(timer);
}

function unreadable(): ConnectError {
  return new ConnectError("the request cannot be read; is its Host header in order?", Code.InvalidArgument);
}
