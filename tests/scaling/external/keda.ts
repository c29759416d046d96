/** KEDA as an external scaler knows it: what it calls, in its order, with its names. */
import {
  type ChannelCredentials,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
} from "@grpc/grpc-js";
import {
  ExternalScalerClient,
  ExternalScalerService,
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

export class Keda {
  readonly #client: ExternalScalerClient;
  readonly #ref;

  constructor(
    address: string,
    scalerMetadata: Metadata,
    creds: ChannelCredentials = credentials.createInsecure(),
  ) {
    this.#client = new ExternalScalerClient(address, creds, { "grpc.use_local_subchannel_pool": 1 });
    this.#ref = {
      name: "scaled",
      namespace: "agents",
      scalerMetadata: { scalerAddress: address, ...scalerMetadata },
    };
  }

  /** What the HPA is made of: KEDA puts the trigger's place before the name. */
  async spec(): Promise<MetricSpec> {
    const { metricSpecs } = await this.#call(ExternalScalerService.getMetricSpec, this.#ref);
    const [spec] = metricSpecs as [MetricSpec];
    return { ...spec, metricName: `s0-${spec.metricName}` };
  }

  /** One poll, or one query of the HPA: GetMetrics, then IsActive. `hpaName` is as {@link spec} tells it. */
  async poll(hpaName = "s0-agentmesh-tasks"): Promise<Poll> {
    const metricName = hpaName.replace(/^s\d+-/, "");
    const { metricValues } = await this.#call(ExternalScalerService.getMetrics, {
      scaledObjectRef: this.#ref,
      metricName,
    });
    const { result } = await this.#call(ExternalScalerService.isActive, this.#ref);
    const { metricValue = Number.NaN, metricValueFloat = 0 } = metricValues[0] ?? {};
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

  #call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    return new Promise((resolve, reject) =>
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        { deadline: Date.now() + deadlineMs },
        (error, response) => (error ? reject(error) : resolve(response as Response)),
      ),
    );
  }
}
