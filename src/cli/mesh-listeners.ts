/** The listeners of a mesh's process that are not for its clients: probes, and metrics for Prometheus. */
import { probeRoutes } from "../agent/probes.ts";
import type { Config } from "../core/config/settings.ts";
import type { Queue } from "../queue/queue.ts";
import { type HttpListener, startHttp } from "../rpc/http.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** Health, then metrics. Throws PORT_IN_USE; nothing is left open then. */
export async function startListeners(
  config: Config,
  metrics: Metrics,
  queue: Queue,
  draining: AbortSignal,
  disconnectedWorkers: () => readonly string[],
): Promise<HttpListener[]> {
  const { host, healthPort, metricsPort } = config.server;
  const probes = { pingStore: () => queue.ping(), serving: () => !draining.aborted, disconnectedWorkers };
  const health = await startHttp({
    host,
    port: healthPort,
    what: "health",
    portSetting: "server.healthPort",
    routes: probeRoutes(probes),
  });
  const routes = { "/metrics": async () => ({ status: 200, ...(await metrics.scrape()) }) };
  try {
    return [
      health,
      await startHttp({
        host,
        port: metricsPort,
        what: "metrics",
        portSetting: "server.metricsPort",
        routes,
      }),
    ];
  } catch (error) {
    await health.close();
    throw error;
  }
}
