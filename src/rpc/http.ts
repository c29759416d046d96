/** A small HTTP listener for machines that probe and scrape: fixed paths, GET only. */
import { createServer, type Server } from "node:http";
import { type ListenOptions, listen } from "./listen.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpListenerOptions extends ListenOptions {
  readonly routes: Readonly<Record<string, () => Promise<HttpAnswer>>>;
}

export interface HttpListener {
  readonly port: number;
  close(): Promise<void>;
}

export async function startHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const paths = Object.keys(options.routes).join(", ");
  const server = createServer(async (request, response) => {
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    const isRead = request.method === "GET" || request.method === "HEAD";
    const route = isRead && Object.hasOwn(options.routes, path) ? options.routes[path] : undefined;
    const answer = route ? await safely(route) : plain(404, `nothing here; GET one of ${paths}`);
    response.writeHead(answer.status, { "content-type": answer.contentType });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  });
  const port = await listen(server, options);
  return { port, close: () => close(server) };
}

export function plain(status: number, text: string): HttpAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${text}\n` };
}

async function safely(route: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    return await route();
  } catch (error) {
    return plain(500, error instanceof Error ? error.message : String(error));
  }
}

/** How long a listener for machines waits for answers that are under way. */
const closeMs = 1_000;

/** Takes no more connections, cuts the idle ones, and those whose requests have not ended after `timeoutMs`. */
export function close(server: Server, timeoutMs = closeMs): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
