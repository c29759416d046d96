/**
 * LoadReportingService: clients tell how many calls they make to each cluster. Every client is asked for all of its clusters:
 * grpc-js overlooks the first of a list.
 */
import type { CallContext } from "../../core/call.ts";
import type { MountedService } from "../../rpc/server.ts";
import { messageType } from "../envoy/protos.ts";

/** What one client did with one cluster since its last report. */
export interface ClusterLoad {
  readonly cluster: string;
  readonly succeeded: number;
  readonly failed: number;
  /** Calls that began. */
  readonly issued: number;
  /** Calls that a limit or a fault of the policy ended before they were sent. */
  readonly dropped: number;
}

export interface LoadObserver {
  reported(load: ClusterLoad): void;
}

export interface LoadReportOptions {
  readonly observer: LoadObserver;
  /** How often clients report; default 10 s, since loads are for looking at, not for deciding by. */
  readonly intervalSeconds?: number;
}

interface LocalityStats {
  readonly total_successful_requests?: string;
  readonly total_error_requests?: string;
  readonly total_issued_requests?: string;
}

interface LoadStatsRequest {
  readonly cluster_stats?: readonly {
    readonly cluster_name?: string;
    readonly upstream_locality_stats?: readonly LocalityStats[];
    readonly total_dropped_requests?: string;
  }[];
}

const name = "envoy.service.load_stats.v3.LoadReportingService";
const intervalSecondsDefault = 10;

export function loadReportService({
  observer,
  intervalSeconds = intervalSecondsDefault,
}: LoadReportOptions): MountedService {
  const requests = messageType<LoadStatsRequest>("envoy.service.load_stats.v3.LoadStatsRequest");
  const responses = messageType("envoy.service.load_stats.v3.LoadStatsResponse");
  return {
    name,
    endless: true,
    definition: {
      StreamLoadStats: {
        path: `/${name}/StreamLoadStats`,
        requestStream: true,
        responseStream: true,
        requestSerialize: requests.serialize,
        requestDeserialize: requests.deserialize,
        responseSerialize: responses.serialize,
        responseDeserialize: responses.deserialize,
      },
    },
    handlers: {
      async *StreamLoadStats(reports: AsyncIterable<LoadStatsRequest>, _call: CallContext) {
        let asked = false;
        for await (const { cluster_stats = [] } of reports) {
          if (!asked)
            yield {
              send_all_clusters: true,
              load_reporting_interval: { seconds: String(intervalSeconds), nanos: 0 },
            };
          asked = true;
          for (const one of cluster_stats) observer.reported(loadOf(one));
        }
      },
    },
  };
}

function loadOf(stats: NonNullable<LoadStatsRequest["cluster_stats"]>[number]): ClusterLoad {
  const { cluster_name = "", upstream_locality_stats = [], total_dropped_requests = "0" } = stats;
  const sum = (field: keyof LocalityStats) =>
    upstream_locality_stats.reduce((total, locality) => total + Number(locality[field] ?? 0), 0);
  return {
    cluster: cluster_name,
    succeeded: sum("total_successful_requests"),
    failed: sum("total_error_requests"),
    issued: sum("total_issued_requests"),
    dropped: Number(total_dropped_requests),
  };
}
