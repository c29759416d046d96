/** How the control plane sets least request: what it names beside the balancer, checked. */
import { leastRequestName } from "../../core/balancing.ts";

const choicesDefault = 2;

export class LeastRequestConfig {
  /** How many replicas are drawn for a call; default 2. */
  readonly choices: number;
  /** Whose calls `requestsMax` counts; empty: nobody's. */
  readonly cluster: string;
  /** How many calls to the cluster this process may have in flight; default: any number. */
  readonly requestsMax: number;

  constructor({ choices = choicesDefault, cluster = "", requestsMax = Infinity } = {}) {
    this.choices = choices;
    this.cluster = cluster;
    this.requestsMax = requestsMax;
  }

  getLoadBalancerName(): string {
    return leastRequestName;
  }

  toJsonObject(): object {
    const { choices: choice_count, cluster, requestsMax: max_requests } = this;
    return { [leastRequestName]: { choice_count, cluster, max_requests } };
  }

  /** What is missing or no number counts as not said: a control plane of another version must not end calls. */
  static createFromJson(said: Readonly<Record<string, unknown>> = {}): LeastRequestConfig {
    const { choice_count, cluster, max_requests } = said;
    return new LeastRequestConfig({
      choices: Math.max(choicesDefault, Math.floor(numberOr(choice_count, choicesDefault))),
      cluster: typeof cluster === "string" ? cluster : "",
      requestsMax: numberOr(max_requests, Infinity),
    });
  }
}

function numberOr(value: unknown, other: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : other;
}
