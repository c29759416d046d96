/** Instances as people read them, no wider than 80 columns. */
import {
  type Instance,
  InstanceState,
  type ListInstancesResponse,
} from "../../gen/grpc/agentmesh/v1/agent.ts";
import { type Colors, type Column, note, out, print, table } from "./output.ts";
import { counted, shownDuration } from "./terminal-text.ts";

/** A table of instances, or a note that there are none. */
export function showInstances({ instances, time }: ListInstancesResponse): void {
  if (instances.length === 0) note("no instances");
  else print(table(columnsAt(time), instances));
  const draining = instances.filter(({ state }) => state === InstanceState.DRAINING).length;
  if (draining > 0) note(`${counted(draining, "instance")} of ${instances.length} drain`);
}

/** `time` is the registry's, as heartbeats are: the clock of this machine may be another. */
export function columnsAt(time: Date | undefined, colors: Colors = out): readonly Column<Instance>[] {
  return [
    { head: "ROLE", cell: ({ role }) => role, paint: (cell) => colors.bold(cell), least: 8 },
    { head: "ADDRESS", cell: dialed, least: 14 },
    {
      head: "STATE",
      cell: ({ state }) => stateName(state),
      paint: (cell, { state }) =>
        state === InstanceState.SERVING ? colors.green(cell) : colors.yellow(cell),
    },
    { head: "BEAT", right: true, cell: ({ heartbeatTime }) => ageOf(heartbeatTime, time) },
    { head: "VERSION", cell: ({ version }) => version || "-", least: 5 },
    { head: "ZONE", cell: ({ locality }) => locality?.zone || "-", least: 4 },
    { head: "LOAD", right: true, cell: loadOf },
  ];
}

function stateName(state: InstanceState): string {
  return Object.entries(InstanceState).find(([, value]) => value === state)?.[0] ?? String(state);
}

function dialed({ address, port }: Instance): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function ageOf(heartbeat: Date | undefined, now: Date | undefined): string {
  if (!heartbeat || !now) return "-";
  return shownDuration(Math.max(0, now.getTime() - heartbeat.getTime()));
}

/** Tasks that run of those that may, and of one core the part that its process uses: `3/8 42%`. */
function loadOf({ load }: Instance): string {
  if (!load || (load.slots === 0 && load.memoryBytes === 0)) return "-";
  return `${load.tasksRunning}/${load.slots} ${Math.round(load.cpuUtilization * 100)}%`;
}
