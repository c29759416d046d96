/** Liveness and readiness over HTTP, for Kubernetes and for people. */
import { type HttpAnswer, plain } from "../rpc/http.ts";

export interface ProbeSources {
  /** Rejects with the reason while the store cannot be used. */
  readonly pingStore: () => Promise<void>;
  /** False from the first moment of a drain. */
  readonly serving: () => boolean;
  /** Roles whose worker has no stream to the mesh. */
  readonly disconnectedWorkers: () => readonly string[];
}

/** How long the store may take to answer before the process counts as not ready. */
const pingMsMax = 2_000;

/** `/livez` never asks the store: a restart does not mend Redis. `/readyz` says what is missing. */
export function probeRoutes(sources: ProbeSources): Record<string, () => Promise<HttpAnswer>> {
  return {
    "/livez": async () => plain(200, "ok"),
    "/readyz": async () => {
      if (!sources.serving()) return plain(503, "draining");
      const fault = await pingFault(sources.pingStore);
      if (fault !== undefined) return plain(503, `the store does not answer: ${fault}`);
      const away = sources.disconnectedWorkers();
      if (away.length > 0) return plain(503, `no stream to the mesh yet: worker of ${away.join(", ")}`);
      return plain(200, "ok");
    },
  };
}

async function pingFault(ping: () => Promise<void>): Promise<string | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${pingMsMax} ms`)), pingMsMax);
  try {
    await Promise.race([ping(), late]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
