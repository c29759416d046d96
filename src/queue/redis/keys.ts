/**
 * The names of every key. What belongs to a queue begins with `am:{queue}:`, so that one hash slot holds it and each script
 * runs on Redis Cluster as it is; the scripts append these suffixes themselves. A task is a row of its chunk, or a head, which
 * change, and what is written once; indexes mention tasks by runs, and what they mention is checked when it is read:
 *
 *   q            hash    the queue's numbers: see lua/include/numbers.lua      G  hash  its settings as they were given
 *   S:CHUNK      string  tasks that came together: what is written once       M:CHUNK  string  their rows: what changes of them
 *   U:CHUNK      hash    their outputs: lua/include/chunk.lua has all three   c  hash  tasks that are left of each chunk
 *   n            zset    all chunks, by creation                              X  zset  dead letters by creation
 *   t            hash    heads: see lua/include/base.lua; and where the tasks with names are that live in their rows
 *   h f d o e p u r l g z s   hashes   what else a task with a head has: see pack.ts
 *   R, R:LABELS  zset    open lanes by priority and pass; Y: the label sets   Q, Q:LANE  hash, list  lanes' runs: the first, and more
 *   B, B:KEY     hash, set   lanes that their key holds back; N:KEY: its open ones                  T  hash  a tenant's lanes with key or labels
 *   K, k         hash    tasks of a key that run; its rate's bucket           Z  zset  keys by when they have a token
 *   E, i         zset, hash   runs of leases by expiry; how many are left of each, and the tasks
 *   S, D         zset    SCHEDULED tasks by due time; QUEUED ones by their timeout to start
 *   F            list    runs of tasks that ended together, oldest first      O  zset  the outbox of effects on other tasks
 *   w W V        hash    workers' numbers, names, and how many tasks name them    A, a  zset, hash  workers that are present, their labels
 *   H            hash    tenants' weights
 *   L:UNIQUE     list    a long log      C:UNIQUE  set  children that wait for it
 *   P:UNIQUE     hash    parents that it waits for, or that failed it: id → condition (S, F)
 */
export class Keys {
  /** The names of queues that were ever used: the one key outside the queues' slots. */
  readonly queues: string;
  /** The channel of signals. */
  readonly signals: string;
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.queues = `${prefix}:queues`;
    this.signals = `${prefix}:signals`;
  }

  queue(queue: string): string {
    return `${this.#prefix}:{${queue}}:`;
  }

  outbox(queue: string): string {
    return `${this.queue(queue)}O`;
  }

  /** The hash of a queue's task fields of one kind. */
  field(queue: string, field: string): string {
    return this.queue(queue) + field;
  }
}

/** A task's id without its queue. */
export function uniqueOf(id: string): string {
  return id.slice(id.indexOf(".") + 1);
}
