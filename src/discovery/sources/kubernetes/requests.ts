/** Lists and watches of EndpointSlices, by the official client. */
import {
  ApiException,
  DiscoveryV1Api,
  type KubeConfig,
  type V1EndpointSlice,
  Watch,
} from "@kubernetes/client-node";
import { Channel } from "../../../core/channel.ts";
import { Gone, type Listed, type WatchEvent } from "./list-watch.ts";

export interface SlicesOptions {
  readonly config: KubeConfig;
  /** Empty: all. */
  readonly namespace: string;
  readonly labelSelector: string;
}

/** A page: a cluster of thousands of slices is read in a few. */
const pageSize = 500;
/** The server ends a watch after this; one that hangs is noticed by the client's own limit of silence, 30 s. */
const watchSeconds = 300;
const gone = 410;

/** A server that takes a list and never answers is taken for away after this. */
const listMsMax = 30_000;

/** Every slice, page by page. */
export async function listSlices(
  { config, namespace, labelSelector }: SlicesOptions,
  signal: AbortSignal,
): Promise<Listed<V1EndpointSlice>> {
  const api = config.makeApiClient(DiscoveryV1Api);
  const items: V1EndpointSlice[] = [];
  let next: string | undefined;
  let version = "";
  do {
    const request = { labelSelector, limit: pageSize, ...(next && { _continue: next }) };
    const page = await unlessLate(
      signal,
      namespace === ""
        ? api.listEndpointSliceForAllNamespaces(request)
        : api.listNamespacedEndpointSlice({ ...request, namespace }),
    ).catch((error: unknown) => {
      throw told(error, "list");
    });
    items.push(...page.items);
    version = page.metadata?.resourceVersion ?? "";
    next = page.metadata?._continue || undefined;
  } while (next);
  return { items, version };
}

/** The client has no way to give a request up; what comes late is not waited for. */
async function unlessLate<Value>(signal: AbortSignal, value: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${listMsMax / 1_000} s`)), listMsMax);
  const abort = () => reject(new Error("given up"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([value, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** Changes from a version on, until the server ends the watch. */
export async function* watchSlices(
  { config, namespace, labelSelector }: SlicesOptions,
  version: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<V1EndpointSlice>> {
  const scope = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const path = `/apis/discovery.k8s.io/v1${scope}/endpointslices`;
  const query = {
    labelSelector,
    resourceVersion: version,
    allowWatchBookmarks: true,
    timeoutSeconds: watchSeconds,
  };
  // The watch has no back pressure to pass on; what it brings is small.
  const events = new Channel<WatchEvent<V1EndpointSlice>>(Number.POSITIVE_INFINITY);
  const take = (type: string, object: unknown) => {
    if (type === "ERROR") events.end(errorOf(object));
    else
      void events.push({
        type: type as WatchEvent<V1EndpointSlice>["type"],
        item: object as V1EndpointSlice,
      });
  };
  const done = (error: unknown) => events.end(error && !isSilence(error) ? told(error, "watch") : undefined);
  const request = await new Watch(config).watch(path, query, take, done);
  const stop = () => request.abort();
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    yield* events;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** Nothing came for a while: a watch of what does not change looks like one that hangs, and is begun anew. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** An event that says why the watch cannot go on. */
function errorOf(object: unknown): Error {
  const { code, message = "" } = (object ?? {}) as { code?: number; message?: string };
  return code === gone ? new Gone(message) : new Error(`the watch of EndpointSlices ended: ${message}`);
}

const ways: Readonly<Record<number, string>> = {
  401: "the credentials are not accepted",
  403: "the account may not do this; it needs list and watch of endpointslices in discovery.k8s.io",
  404: "the server does not know EndpointSlices of discovery.k8s.io/v1",
};

function told(error: unknown, what: string): Error {
  const status = error instanceof ApiException ? error.code : (error as { statusCode?: number }).statusCode;
  if (status === gone) return new Gone("the version is too old");
  const why = (status !== undefined && ways[status]) || (error as Error).message || String(error);
  return new Error(`cannot ${what} EndpointSlices: ${status ? `${status}: ` : ""}${why}`, { cause: error });
}
