/** Serves one HTTP request of the edge: the front page, a method of the contract, or advice. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import {
  type Advice,
  foreignHost,
  notPosted,
  pathOf,
  twoWay,
  unknownPath,
  unserved,
  wrongType,
} from "./advice.ts";
import { withReason } from "./connect-error.ts";
import { refuse } from "./refusal.ts";

export interface Served {
  /** By path; methods that are not served, or that HTTP/1.1 cannot carry, are missing. */
  readonly handlers: ReadonlyMap<string, UniversalHandler>;
  readonly services: readonly DescService[];
  readonly frontPage: (authority: string) => string;
  /** Listens on the loopback: names that are not this machine's are refused. */
  readonly local: boolean;
}

/** Rejects where the answer could not be written to its end. */
export async function serve(
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const { host = "" } = request.headers;
  if (served.local && !isLocal(host)) return give(foreignHost(host), request, response);
  if (path === "/" && (request.method === "GET" || request.method === "HEAD"))
    return giveFrontPage(served.frontPage(host), request, response);
  const method = methodAt(served.services, path);
  if (!method) return give(unknownPath(path, served.services), request, response);
  if (request.method !== "POST") return give(notPosted(path), request, response.setHeader("allow", "POST"));
  if (method.methodKind === "bidi_streaming") return give(twoWay(method), request, response);
  const handler = served.handlers.get(path);
  if (!handler) return give(unserved(method), request, response);
  const type = request.headers["content-type"];
  if (!handler.supportedContentType(type ?? null)) return give(wrongType(method, type), request, response);
  const call = universalRequestFromNodeRequest(request, response, undefined, undefined);
  const answer = await handler({ ...call, body: bodyOf(request) });
  await universalResponseToNodeResponse(await explained(answer), response);
}

function methodAt(services: readonly DescService[], path: string): DescMethod | undefined {
  return services.flatMap((service) => service.methods).find((method) => pathOf(method) === path);
}

/** Whether the host that a request names is an address, or a name that every machine gives itself. */
function isLocal(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost");
}

function give({ error, status }: Advice, request: IncomingMessage, response: ServerResponse): void {
  refuse(request, response, error, status);
}

function giveFrontPage(page: string, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  response.end(request.method === "HEAD" ? undefined : page);
}

/** The body. To stop reading (one over the limit, say) must not cut the connection, which the answer still needs. */
function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

/** Connect's own refusals get a reason, as ours have. */
async function explained(answer: UniversalServerResponse): Promise<UniversalServerResponse> {
  const { status, header, body } = answer;
  if (status < 400 || body === undefined || header?.has("content-encoding")) return answer;
  const told = await bytesOf(body);
  const error = errorFromJsonBytes(told, undefined, new ConnectError("internal error", Code.Internal));
  const better = withReason(error);
  if (better === error) return { ...answer, body: once(told) };
  const bytes = errorToJsonBytes(better, undefined);
  header?.set("content-length", String(bytes.byteLength));
  return { ...answer, status: codeToHttpStatus(better.code), body: once(bytes) };
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
