/**
 * An API server that speaks Kubernetes' protocol of lists and watches for EndpointSlices: pages, versions that grow, a window of
 * changes outside of which a version is gone, bookmarks; and faults on demand.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig, type V1EndpointSlice } from "@kubernetes/client-node";

interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly slice: V1EndpointSlice;
}

/** What to do to the next requests. */
export interface Fault {
  readonly on: "list" | "watch";
  /** Answer with this status. */
  readonly status?: number;
  /** Accept, and never answer. */
  readonly hang?: boolean;
}

export class KubeApi {
  readonly #server = createServer((request, response) => this.#serve(request, response));
  readonly #slices = new Map<string, V1EndpointSlice>();
  readonly #changes: Change[] = [];
  readonly #watchers = new Set<ServerResponse>();
  readonly #faults: Fault[] = [];
  #version = 1;
  /** Changes up to this version are forgotten. */
  #forgotten = 0;
  pageSizeMax = 500;
  /** "list" and "watch" with the version asked for, in order. */
  readonly requests: string[] = [];

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: "fake", server: this.url, skipTLSVerify: true }],
      users: [{ name: "test" }],
      contexts: [{ name: "test", cluster: "fake", user: "test" }],
      currentContext: "test",
    });
    return config;
  }

  get slices(): V1EndpointSlice[] {
    return [...this.#slices.values()];
  }

  async close(): Promise<void> {
    this.disconnect();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  put(slice: V1EndpointSlice): void {
    const name = slice.metadata?.name ?? "";
    this.#change(this.#slices.has(name) ? "MODIFIED" : "ADDED", slice);
  }

  delete(name: string): void {
    const slice = this.#slices.get(name);
    if (slice) this.#change("DELETED", slice);
  }

  /** Ends every watch as a server does after its time. */
  endWatches(): void {
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }

  /** Cuts every connection, in the middle of a line. */
  disconnect(): void {
    for (const watcher of this.#watchers) {
      watcher.write('{"type":"MODIFIED","object":{"kind":"Endpo');
      watcher.socket?.destroy();
    }
    this.#watchers.clear();
  }

  /** Forgets all changes: whoever asks for a version before is told that it is gone. */
  forget(): void {
    this.#forgotten = this.#version;
    this.#changes.length = 0;
  }

  /** Tells running watches that their version is gone. */
  expireWatches(): void {
    this.forget();
    const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
    for (const watcher of this.#watchers) {
      watcher.write(`${JSON.stringify({ type: "ERROR", object: status })}\n`);
      watcher.end();
    }
    this.#watchers.clear();
  }

  /** Tells watchers how far they are. */
  bookmark(): void {
    this.#version++;
    const object = { kind: "EndpointSlice", metadata: { resourceVersion: String(this.#version) } };
    for (const watcher of this.#watchers) watcher.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }

  fault(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  /** From here on all goes well. */
  heal(): void {
    this.#faults.length = 0;
  }

  get watches(): number {
    return this.#watchers.size;
  }

  #change(type: Change["type"], slice: V1EndpointSlice): void {
    this.#version++;
    const name = slice.metadata?.name ?? "";
    const stamped = { ...slice, metadata: { ...slice.metadata, resourceVersion: String(this.#version) } };
    if (type === "DELETED") this.#slices.delete(name);
    else this.#slices.set(name, stamped);
    const change = { version: this.#version, type, slice: stamped };
    this.#changes.push(change);
    for (const watcher of this.#watchers) watcher.write(lineOf(change));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", "http://localhost");
    const what = url.searchParams.get("watch") === "true" ? "watch" : "list";
    this.requests.push(`${what} ${url.searchParams.get("resourceVersion") ?? ""}`.trim());
    const at = this.#faults.findIndex(({ on }) => on === what);
    const [fault] = at < 0 ? [] : this.#faults.splice(at, 1);
    if (fault?.hang) return;
    if (fault?.status) {
      answer(response, fault.status, { kind: "Status", code: fault.status, message: "so the test says" });
      return;
    }
    if (what === "list") this.#list(url, response);
    else this.#watch(url, response);
  }

  #list(url: URL, response: ServerResponse): void {
    const limit = Math.min(Number(url.searchParams.get("limit") ?? 500), this.pageSizeMax);
    const from = Number(url.searchParams.get("continue") ?? 0);
    const all = [...this.#slices.values()];
    const next = from + limit < all.length ? String(from + limit) : undefined;
    const metadata = { resourceVersion: String(this.#version), ...(next && { continue: next }) };
    answer(response, 200, { kind: "EndpointSliceList", metadata, items: all.slice(from, from + limit) });
  }

  #watch(url: URL, response: ServerResponse): void {
    const version = Number(url.searchParams.get("resourceVersion"));
    if (version < this.#forgotten) {
      answer(response, 410, { kind: "Status", code: 410, message: "too old resource version" });
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const change of this.#changes) if (change.version > version) response.write(lineOf(change));
    this.#watchers.add(response);
    response.on("close", () => this.#watchers.delete(response));
  }
}

function lineOf({ type, slice }: Change): string {
  return `${JSON.stringify({ type, object: slice })}\n`;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
