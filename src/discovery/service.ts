/** DiscoveryService: what people and programs ask a control plane beside xDS itself. */
import {
  type DiscoveryClient,
  type DiscoveryEndpoint,
  type DiscoveryServiceServer,
  EndpointHealth,
  type GetDiscoveryResponse,
} from "../../gen/grpc/agentmesh/v1/discovery.ts";
import type { HandlersOf } from "../core/call.ts";
import { Channel } from "../core/channel.ts";
import { FieldCheck } from "../core/check.ts";
import { MeshError } from "../core/errors.ts";
import { rolePattern } from "../core/ids.ts";
import { msToDate } from "../core/time.ts";
import type { ControlPlane, ControlPlaneState } from "./control-plane.ts";
import type { Endpoint } from "./endpoint.ts";

export interface DiscoveryServiceOptions {
  readonly controlPlane: ControlPlane;
  /** The xDS clients that are connected now. */
  readonly clients: () => readonly DiscoveryClient[];
}

export function discoveryService({
  controlPlane,
  clients,
}: DiscoveryServiceOptions): HandlersOf<DiscoveryServiceServer> {
  return {
    async getDiscovery({ role }) {
      checkRole(role);
      if (!controlPlane.state)
        throw new MeshError(
          "DISCOVERY_NOT_READY",
          "the control plane has not read its endpoints yet; ask again in a moment",
        );
      return responseOf(controlPlane.state, role);
    },
    async *watchDiscovery({ role }, { signal }) {
      checkRole(role);
      yield* statesOf(controlPlane, role, signal);
    },
    async listDiscoveryClients() {
      return { clients: [...clients()] };
    },
  };
}

/** Each state that is published while the watcher keeps up; what comes meanwhile is told by the newest alone. */
async function* statesOf(controlPlane: ControlPlane, role: string, signal: AbortSignal) {
  const changes = new Channel<true>(1);
  const changed = () => void changes.push(true);
  const stop = controlPlane.onPublish(changed);
  const end = () => changes.end();
  signal.addEventListener("abort", end, { once: true });
  let told: ControlPlaneState | undefined;
  try {
    changed();
    for await (const _ of changes) {
      const { state } = controlPlane;
      if (state === undefined || (told && isSame(state, told))) continue;
      told = state;
      yield { discovery: responseOf(state, role) };
    }
  } finally {
    stop();
    signal.removeEventListener("abort", end);
  }
}

function isSame(a: ControlPlaneState, b: ControlPlaneState): boolean {
  return (
    a.publication === b.publication &&
    a.sourceError === b.sourceError &&
    a.policy.error === b.policy.error &&
    a.policy.loadMs === b.policy.loadMs
  );
}

function responseOf(state: ControlPlaneState, role: string): GetDiscoveryResponse {
  const { publication, publishMs, policy, source, sourceError } = state;
  const endpoints = publication.parts.endpoints.filter((endpoint) => role === "" || endpoint.role === role);
  return {
    endpoints: endpoints.map(endpointOf),
    policy: { file: policy.file, loadTime: msToDate(policy.loadMs), error: policy.error ?? "" },
    version: publication.version,
    publishTime: msToDate(publishMs),
    source,
    sourceError: sourceError ?? "",
  };
}

function endpointOf({ health, ...rest }: Endpoint): DiscoveryEndpoint {
  return { ...rest, health: EndpointHealth[health] };
}

function checkRole(role: string): void {
  const check = new FieldCheck();
  if (role !== "" && !rolePattern.test(role))
    check.fault("role", `"${role.slice(0, 80)}" is no name of a role`);
  check.done();
}
