/** The cluster that the settings name, as a source of endpoints. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { hostEnvironment } from "../core/config/host.ts";
import type { Config } from "../core/config/settings.ts";
import { MeshError } from "../core/errors.ts";
import { KubernetesSource } from "../discovery/sources/kubernetes.ts";

const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Throws INVALID_CONFIG where nothing says which cluster. */
export function openKubernetesSource({ discovery, server }: Config): KubernetesSource {
  const config = kubeConfig(discovery.kubeconfig);
  return new KubernetesSource({ config, namespace: discovery.namespace ?? "", region: server.region ?? "" });
}

function kubeConfig(said: string | undefined): KubeConfig {
  const config = new KubeConfig();
  const { KUBECONFIG } = hostEnvironment(["KUBECONFIG"]);
  const file = said ?? (existsSync(podToken) ? undefined : KUBECONFIG || join(homedir(), ".kube", "config"));
  if (file === undefined) {
    config.loadFromCluster();
    return config;
  }
  if (!existsSync(file))
    throw new MeshError(
      "INVALID_CONFIG",
      `discovery.source is kubernetes, and there is no ${file}; name the cluster's file with discovery.kubeconfig, or choose registry`,
    );
  try {
    config.loadFromFile(file);
  } catch (cause) {
    throw new MeshError(
      "INVALID_CONFIG",
      `discovery.kubeconfig: ${file} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  return config;
}
