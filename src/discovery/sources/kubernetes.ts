/** Endpoints from a cluster: the EndpointSlices of the mesh's Services, followed as they change. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { EndpointSource, SourceListener } from "../source.ts";
import { kubernetesLabels } from "./kubernetes/labels.ts";
import { listAndWatch } from "./kubernetes/list-watch.ts";
import { listSlices, type SlicesOptions, watchSlices } from "./kubernetes/requests.ts";
import { endpointsOf } from "./kubernetes/slices.ts";

export interface KubernetesSourceOptions {
  readonly config: KubeConfig;
  /** Empty: all. */
  readonly namespace: string;
  /** Of the cluster, for localities; may be empty. */
  readonly region: string;
}

/** Follows EndpointSlices until it is stopped. */
export class KubernetesSource implements EndpointSource {
  readonly description: string;
  readonly #options: KubernetesSourceOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    const server = options.config.getCurrentCluster()?.server ?? "no cluster";
    const where = options.namespace === "" ? "" : ` in the namespace ${options.namespace}`;
    this.description = `EndpointSlices of ${server}${where}`;
  }

  start({ changed, failed }: SourceListener): void {
    const { config, namespace, region } = this.#options;
    const slices: SlicesOptions = { config, namespace, labelSelector: kubernetesLabels.selector };
    this.#running = listAndWatch(
      {
        list: (signal) => listSlices(slices, signal),
        watch: (version, signal) => watchSlices(slices, version, signal),
        keyOf: ({ metadata }) => `${metadata?.namespace}/${metadata?.name}`,
        versionOf: ({ metadata }) => metadata?.resourceVersion ?? "",
        changed: (items) => changed(endpointsOf(items.values(), { region })),
        failed,
        pause: (ms, signal) => wait(ms, undefined, { signal, ref: false }).catch(() => {}),
        random: Math.random,
      },
      this.#stopping.signal,
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }
}
