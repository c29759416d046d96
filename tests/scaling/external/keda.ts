/** KEDA as an external scaler knows it: what it calls, in its order, with its names. */
import { type ChannelCredentials, type ClientReadableStream, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  ExternalScalerClient,
  type IsActiveResponse,
  type MetricSpec,
} from "../../../gen/grpc/externalscaler/externalscaler.ts";

export type Metadata = Readonly<Record<string, string>>;

/** What one poll learns. */
export interface Poll {
  readonly metric: number;
  readonly active: boolean;
}

/** KEDA gives a scaler this long. */
const deadlineMs = 3_000;

type Answered<Response> = (error: ServiceError | null, response: Response) => void;

export class Keda {
  readonly #client: ExternalScalerClient;
  readonly #ref;

  constructor(address: string, scalerMetadata: Metadata, creds: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new ExternalScalerClient(address, creds, { "grpc.use_local_subchannel_pool": 1 });
    this.#ref = { name: "scaled", namespace: "agents", scalerMetadata: { scalerAddress: address, ...scalerMetadata } };
  }

  /** What the HPA is made of: KEDA puts the trigger's place before the name. */
  async spec(): Promise<MetricSpec> {
    const { metricSpecs } = await this.#call("getMetricSpec", this.#ref);
    const [spec] = metricSpecs as [MetricSpec];
    return { ...spec, metricName: `s0-${spec.metricName}` };
  }

  /** One poll, or one query of the HPA: GetMetrics, then IsActive. `hpaName` is as {@link spec} tells it. */
  async poll(hpaName = "s0-agentmesh-tasks"): Promise<Poll> {
    const metricName = hpaName.replace(/^s\d+-/, "");
    const { metricValues } = await this.#call("getMetrics", { scaledObjectRef: this.#ref, metricName });
    const { result } = await this.#call("isActive", this.#ref);
    const [{ metricValue, metricValueFloat }] = metricValues as [{ metricValue: number; metricValueFloat: number }];
    return { metric: metricValueFloat > 0 ? metricValueFloat : metricValue, active: result };
  }

  /** The stream of an external-push trigger. */
  push(): ClientReadableStream<IsActiveResponse> {
    return this.#client.streamIsActive(this.#ref);
  }

  watchSpec() {
    return this.#client.streamMetricSpec(this.#ref);
  }

  close(): void {
    this.#client.close();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the methods differ in their messages alone
  #call(method: "getMetricSpec" | "getMetrics" | "isActive", request: object): Promise<any> {
    return new Promise((resolve, reject) => {
      const answered: Answered<unknown> = (error, response) => (error ? reject(error) : resolve(response));
      const options = { deadline: Date.now() + deadlineMs };
      // biome-ignore lint/suspicious/noExplicitAny: as above
      (this.#client[method] as any)(request, new (credentialsFree())(), options, answered);
    });
  }
}
