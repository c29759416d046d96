/** What callers say of instances, every field checked. Pure. */
import { isIP } from "node:net";
import {
  type HeartbeatRequest,
  type Instance as InstanceMessage,
  type InstanceLoad as LoadMessage,
  type RegisterAgentRequest,
  InstanceState as StateOnWire,
} from "../../../gen/grpc/agentmesh/v1/agent.ts";
import { FieldCheck } from "../../core/check.ts";
import { MeshError } from "../../core/errors.ts";
import { rolePattern, uniqueId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { InstanceBeat, InstanceLoad, InstanceState, Registration } from "../instances.ts";
import { stateOf } from "./convert.ts";

const idPattern = /^[\w.@:-]+$/;
/** More than any machine has. */
const coresMax = 1_000_000;
const tasksMax = 2 ** 31 - 1;

/** Throws INVALID_FIELD with every fault. An instance that has no id gets one; one without a start started now. */
export function registrationOf({ instance, timeToLive }: RegisterAgentRequest, nowMs: number): Registration {
  if (instance === undefined) throw MeshError.invalid([{ field: "instance", description: "is required" }]);
  const check = new FieldCheck();
  checkInstance(check, instance);
  const state = checkedState(check, "instance.state", instance.state) ?? "STARTING";
  const ttlMs = check.durationMs(
    "time_to_live",
    timeToLive,
    limits.instanceTtlMsMin,
    limits.instanceTtlMsMax,
  );
  check.done();
  const { id, role, agentId, address, port, version, weight, labels, locality, startTime } = instance;
  const { region = "", zone = "", subZone = "" } = locality ?? {};
  return {
    instance: {
      ...{ role, agentId, address, port, version },
      id: id || `${role}@${uniqueId(nowMs)}`,
      locality: { region, zone, subZone },
      weight: weight || 1,
      labels: { ...labels },
      startMs: startTime?.getTime() ?? nowMs,
    },
    state,
    ttlMs: ttlMs ?? limits.instanceTtlMsDefault,
  };
}

function checkInstance(check: FieldCheck, instance: InstanceMessage): void {
  const { id, role, agentId, address, port, version, weight, labels, locality, startTime } = instance;
  if (id !== "") checkId(check, "instance.id", id);
  checkRole(check, "instance.role", role);
  check.line("instance.agent_id", agentId, limits.instanceIdBytesMax);
  checkAddress(check, address);
  check.whole("instance.port", port, 1, 65_535);
  check.line("instance.version", version, limits.instanceVersionBytesMax);
  check.whole("instance.weight", weight, 0, limits.instanceWeightMax);
  check.line("instance.locality.region", locality?.region ?? "", limits.localityBytesMax);
  check.line("instance.locality.zone", locality?.zone ?? "", limits.localityBytesMax);
  check.line("instance.locality.sub_zone", locality?.subZone ?? "", limits.localityBytesMax);
  check.labels("instance.labels", labels);
  if (startTime !== undefined && !Number.isFinite(startTime.getTime()))
    check.fault("instance.start_time", "is no time");
}

/** What clients dial, as they are told it: they look no names up, and a zone of a link means nothing elsewhere. */
function checkAddress(check: FieldCheck, address: string): void {
  const field = "instance.address";
  if (address === "") check.fault(field, "is required");
  else if (isIP(address) === 0 || address.includes("%"))
    check.fault(
      field,
      `is "${address.slice(0, 80)}"; it must be an IP address such as 10.0.0.7 or 2001:db8::7`,
    );
  else if (/^[0:.]+$/.test(address)) check.fault(field, `is ${address}, which nobody can dial`);
}

/** Throws INVALID_FIELD. */
export function beatOf({ instanceId, state, load }: HeartbeatRequest): InstanceBeat {
  const check = new FieldCheck();
  checkId(check, "instance_id", instanceId);
  const stateNow = checkedState(check, "state", state);
  if (load !== undefined) checkLoad(check, load);
  check.done();
  return {
    id: instanceId,
    ...(stateNow === undefined ? {} : { state: stateNow }),
    ...(load === undefined ? {} : { load: loadOf(load) }),
  };
}

/** Throws INVALID_FIELD. */
export function instanceIdOf(id: string): string {
  const check = new FieldCheck();
  checkId(check, "instance_id", id);
  check.done();
  return id;
}

/** Throws INVALID_FIELD; the empty text is every role. */
export function roleFilterOf(role: string): string {
  const check = new FieldCheck();
  if (role !== "") checkRole(check, "role", role);
  check.done();
  return role;
}

function checkId(check: FieldCheck, field: string, id: string): void {
  check.text(field, id, limits.instanceIdBytesMax, true);
  if (id !== "" && !idPattern.test(id))
    check.fault(field, "has a character other than letters, digits, '_', '.', '@', ':' and '-'");
}

function checkRole(check: FieldCheck, field: string, role: string): void {
  if (role === "") check.fault(field, "is required");
  else if (!rolePattern.test(role))
    check.fault(
      field,
      `is "${role.slice(0, 80)}"; a role's name is a small letter and up to 47 more, digits or '-'`,
    );
}

/** Undefined where the state is unset, or at fault. */
function checkedState(check: FieldCheck, field: string, state: StateOnWire): InstanceState | undefined {
  if (state === StateOnWire.UNSPECIFIED) return undefined;
  const known = stateOf(state);
  if (known === undefined)
    check.fault(field, "must be STARTING, SERVING or DRAINING; DeregisterAgent takes an instance away");
  return known;
}

function checkLoad(
  check: FieldCheck,
  { tasksRunning, slots, cpuUtilization, memoryBytes }: LoadMessage,
): void {
  check.whole("load.tasks_running", tasksRunning, 0, tasksMax);
  check.whole("load.slots", slots, 0, tasksMax);
  if (!(cpuUtilization >= 0 && cpuUtilization <= coresMax))
    check.fault("load.cpu_utilization", `is ${cpuUtilization}; it must be from 0 to ${coresMax}`);
  check.whole("load.memory_bytes", memoryBytes, 0, Number.MAX_SAFE_INTEGER);
}

function loadOf({ tasksRunning, slots, cpuUtilization, memoryBytes }: LoadMessage): InstanceLoad {
  return { tasksRunning, slots, cpuUtilization, memoryBytes };
}
