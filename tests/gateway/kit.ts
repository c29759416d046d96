/** An edge over a handful of handlers, or over a real store, on a free port; gone at the test's end. */
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { onTestFinished } from "vitest";
import { TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { TaskService } from "../../gen/web/agentmesh/v1/task_pb.js";
import { systemClock } from "../../src/core/clock.ts";
import { type Edge, type EdgeOptions, startEdge } from "../../src/gateway/edge.ts";
import { type Handlers, Notes } from "../rpc/kit.ts";

export type TaskClient = Client<typeof TaskService>;

export interface ServedEdge {
  readonly edge: Edge;
  readonly url: string;
  readonly notes: Notes;
}

export async function serveEdge(options: Partial<EdgeOptions>): Promise<ServedEdge> {
  const notes = new Notes();
  const edge = await startEdge({
    ...{ host: "127.0.0.1", port: 0, role: "testing", version: "1.2.3", services: [] },
    ...{ clock: systemClock, ...notes },
    ...options,
  });
  onTestFinished(() => edge.drain(0));
  return { edge, url: `http://127.0.0.1:${edge.port}`, notes };
}

/** Serves TaskService with these handlers alone. */
export function serveTasks(handlers: Handlers): Promise<ServedEdge> {
  const services = [{ name: "agentmesh.v1.TaskService", definition: TaskServiceService, handlers }];
  return serveEdge({ services });
}

/** A client of Connect for TaskService. */
export function taskClient(url: string, useBinaryFormat = true): TaskClient {
  return createClient(
    TaskService,
    createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat }),
  );
}

export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly details?: readonly { readonly type: string; readonly debug: Record<string, unknown> }[];
    readonly [field: string]: unknown;
  };
}

/** What curl would send and see. */
export async function post(
  url: string,
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<JsonAnswer> {
  const response = await fetch(`${url}/agentmesh.v1.TaskService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal,
  });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

/** The reason in an answer's ErrorInfo. */
export function reasonIn({ body }: JsonAnswer): unknown {
  return body.details?.find(({ type }) => type === "google.rpc.ErrorInfo")?.debug.reason;
}
