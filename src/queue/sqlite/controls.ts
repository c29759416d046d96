/** What steers the handing out of each queue: policies, pause, turns. In memory, and written in the transaction that changes it. */
import { noPolicy, type Pause, type QueuePolicy } from "../policy.ts";
import type { QueueChange } from "../store.ts";
import type { Statements } from "./statements.ts";

interface ControlRow {
  readonly name: string;
  readonly turn: number;
  readonly passes: string;
  readonly full_at_ms: number | null;
  readonly role_policy: string | null;
  readonly policy: string | null;
  readonly pause_reason: string | null;
  readonly pause_since_ms: number | null;
}

export interface Control {
  readonly queue: string;
  /** Tasks handed out so far. */
  turn: number;
  /** By priority: the pass of the lane served last. */
  readonly passes: number[];
  /** The queue's rate: when it is full again. */
  fullAtMs: number | undefined;
  rolePolicy: QueuePolicy | undefined;
  operatorPolicy: QueuePolicy | undefined;
  pause: Pause | undefined;
}

const priorities = 10;

export class Controls {
  readonly #sql: Statements;
  readonly #known = new Map<string, Control>();
  readonly #dirty = new Set<Control>();

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** To read; a queue that was only asked for is not kept in memory. */
  of(queue: string): Control {
    const known = this.#known.get(queue);
    if (known !== undefined) return known;
    const row = this.#sql.one<ControlRow>("controlByQueue", { name: queue });
    const control = row === undefined ? newControl(queue) : controlOf(row);
    if (row !== undefined) this.#known.set(queue, control);
    return control;
  }

  /** To hold while it may change: of a queue that has tasks. */
  keep(queue: string): Control {
    const control = this.of(queue);
    this.#known.set(queue, control);
    return control;
  }

  /** To change; it is written by the next flush. */
  change(queue: string): Control {
    const control = this.keep(queue);
    this.#dirty.add(control);
    return control;
  }

  policy(queue: string): QueuePolicy {
    const { operatorPolicy, rolePolicy } = this.of(queue);
    return operatorPolicy ?? rolePolicy ?? noPolicy;
  }

  configure({ queue, rolePolicy, policy, pause }: QueueChange, nowMs: number): void {
    const control = this.change(queue);
    if (rolePolicy !== undefined) control.rolePolicy = rolePolicy;
    if (policy !== undefined) control.operatorPolicy = policy ?? undefined;
    if (pause === null) control.pause = undefined;
    else if (pause !== undefined) control.pause = { reason: pause, sinceMs: control.pause?.sinceMs ?? nowMs };
  }

  flush(): void {
    for (const control of this.#dirty) this.#sql.run("putControl", rowOf(control));
    this.#dirty.clear();
  }

  /** After a rollback: what is in memory may not be so. */
  forget(): void {
    this.#known.clear();
    this.#dirty.clear();
  }
}

function newControl(queue: string): Control {
  return {
    queue,
    turn: 0,
    passes: new Array<number>(priorities).fill(0),
    fullAtMs: undefined,
    rolePolicy: undefined,
    operatorPolicy: undefined,
    pause: undefined,
  };
}

function controlOf(row: ControlRow): Control {
  const { pause_reason: reason, pause_since_ms: sinceMs } = row;
  return {
    queue: row.name,
    turn: row.turn,
    passes: passesOf(row.passes),
    fullAtMs: row.full_at_ms ?? undefined,
    rolePolicy: policyOf(row.role_policy),
    operatorPolicy: policyOf(row.policy),
    pause: reason === null || sinceMs === null ? undefined : { reason, sinceMs },
  };
}

/** Of a queue that has handed nothing out, none are written. */
function passesOf(text: string): number[] {
  const passes = JSON.parse(text) as number[];
  return passes.length === 0 ? new Array<number>(priorities).fill(0) : passes;
}

function policyOf(text: string | null): QueuePolicy | undefined {
  return text === null ? undefined : (JSON.parse(text) as QueuePolicy);
}

function rowOf(control: Control): ControlRow {
  const { queue, turn, passes, fullAtMs, rolePolicy, operatorPolicy, pause } = control;
  return {
    name: queue,
    turn,
    passes: JSON.stringify(passes),
    full_at_ms: fullAtMs ?? null,
    role_policy: rolePolicy === undefined ? null : JSON.stringify(rolePolicy),
    policy: operatorPolicy === undefined ? null : JSON.stringify(operatorPolicy),
    pause_reason: pause?.reason ?? null,
    pause_since_ms: pause?.sinceMs ?? null,
  };
}
