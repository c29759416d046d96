/** The labels by which the control plane finds roles in a cluster. EndpointSlices have those of their Service. */
export const kubernetesLabels = Object.freeze({
  /** Slices without it are of no concern. */
  selector: "app.kubernetes.io/part-of=agentmesh",
  /** The role; without it the Service's name is the role. */
  role: "agentmesh.dev/role",
  /** Set by Kubernetes. */
  service: "kubernetes.io/service-name",
  version: "app.kubernetes.io/version",
  /** Capacity of each replica, 1 to 1,000. */
  weight: "agentmesh.dev/weight",
});

/** The name of the port that is dialed, where a Service has several. */
export const grpcPortName = "grpc";
