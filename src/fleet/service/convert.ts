/** The registry's records and the contract's messages. */
import {
  type Instance as InstanceMessage,
  InstanceState as StateOnWire,
} from "../../../gen/grpc/agentmesh/v1/agent.ts";
import { msToDate } from "../../core/time.ts";
import type { Instance, InstanceState } from "../instances.ts";

const onWire: Readonly<Record<InstanceState, StateOnWire>> = {
  STARTING: StateOnWire.STARTING,
  SERVING: StateOnWire.SERVING,
  DRAINING: StateOnWire.DRAINING,
};

export function instanceMessageOf(instance: Instance): InstanceMessage {
  const { id, role, agentId, address, port, version, locality, weight, labels, load } = instance;
  return {
    ...{ id, role, agentId, address, port, version, weight },
    locality: { ...locality },
    labels: { ...labels },
    load: { ...load },
    state: onWire[instance.state],
    startTime: msToDate(instance.startMs),
    heartbeatTime: msToDate(instance.heartbeatMs),
  };
}

/** The state that a message names; undefined where it is none that an instance can be in. */
export function stateOf(state: StateOnWire): InstanceState | undefined {
  return (Object.keys(onWire) as InstanceState[]).find((name) => onWire[name] === state);
}
