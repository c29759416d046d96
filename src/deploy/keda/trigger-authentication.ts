/** What KEDA shows a scaler that asks for client certificates, from a Secret that cert-manager, say, keeps. Pure. */
import { fleetLabels } from "./scaled-objects.ts";

/** The Secret has the keys of kubernetes.io/tls. */
const secret = "agentmesh-scaler-client";

export function triggerAuthentication(): object {
  const from = (parameter: string, key: string) => ({ parameter, name: secret, key });
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "TriggerAuthentication",
    metadata: { name: "agentmesh-scaler", labels: { ...fleetLabels } },
    spec: {
      secretTargetRef: [
        from("caCert", "ca.crt"),
        from("tlsClientCert", "tls.crt"),
        from("tlsClientKey", "tls.key"),
      ],
    },
  };
}
