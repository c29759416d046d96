/**
 * A store to which tasks are submitted without ids wherever they can be, so that the whole suite runs on ids that a store
 * makes: a test's own names stand for them, in what it asks and in what it is told.
 */
import type {
  Finish,
  LeasedTask,
  NewTask,
  Parent,
  QueueStore,
  StoreSignal,
  SubmitOutcome,
  TaskRecord,
} from "../../src/queue/store.ts";

/** The store's ids and the test's names for them; shared by all handles on one store. */
export class MadeIds {
  readonly #ids = new Map<string, string>();
  readonly #names = new Map<string, string>();

  know(name: string, id: string): void {
    this.#ids.set(name, id);
    this.#names.set(id, name);
  }

  isKnown(name: string): boolean {
    return this.#ids.has(name);
  }

  idOf(name: string): string {
    return this.#ids.get(name) ?? name;
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  parents(parents: readonly Parent[], map: (id: string) => string): Parent[] {
    return parents.map((parent) => ({ ...parent, taskId: map(parent.taskId) }));
  }

  /** The text with the test's names in place of ids. */
  told(text: string): string {
    return text.replace(/[a-z][a-z0-9-]*\.[0-9a-z]+/g, (id) => this.nameOf(id));
  }
}

export function withMadeIds(store: QueueStore, ids: MadeIds): QueueStore {
  const idOf = (name: string) => ids.idOf(name);
  const nameOf = (id: string) => ids.nameOf(id);
  const renamed = <Item extends { readonly taskId: string }>(items: readonly Item[]): Item[] =>
    items.map((item) => ({ ...item, taskId: idOf(item.taskId) }));
  const record = <Task extends TaskRecord>(task: Task): Task => {
    const { id, parents, error } = task;
    const told = error && { ...error, message: ids.told(error.message), detail: ids.told(error.detail) };
    return { ...task, id: nameOf(id), parents: ids.parents(parents, nameOf), error: told };
  };
  const finishOf = (finish: Finish): Finish => {
    const { result } = finish;
    const taskId = idOf(finish.taskId);
    if (result.kind !== "suspended") return { ...finish, taskId };
    return { ...finish, taskId, result: { ...result, parents: ids.parents(result.parents, idOf) } };
  };
  /** Named when it is looked at: a signal may come before the answer that tells the id. */
  const signalOf = (signal: StoreSignal): StoreSignal => ({
    queue: signal.queue,
    ready: signal.ready,
    get changed() {
      return signal.changed.map(nameOf);
    },
    get revoked() {
      return signal.revoked.map((term) => ({ ...term, taskId: nameOf(term.taskId) }));
    },
  });

  /** As it is submitted: without an id, unless the batch needs it or the test's name has one already. */
  const submitted = (task: NewTask, tasks: readonly NewTask[]): NewTask => {
    const name = task.id;
    if (name === undefined) return task;
    const parents = ids.parents(task.parents, idOf);
    if (ids.isKnown(name)) return { ...task, id: idOf(name), parents };
    const others = tasks.filter((other) => other !== task);
    const isNamed = others.some(
      (other) => other.id === name || other.parents.some(({ taskId }) => taskId === name),
    );
    return { ...task, id: isNamed || task.fingerprint !== "" ? name : undefined, parents };
  };
  const outcomeOf = (outcome: SubmitOutcome, name: string | undefined): SubmitOutcome => {
    if (name === undefined) return outcome;
    if (outcome.status === "unknownParent") return { ...outcome, parentId: nameOf(outcome.parentId) };
    if (!("id" in outcome)) return outcome;
    ids.know(name, outcome.id);
    return { ...outcome, id: name };
  };

  return {
    describe: () => store.describe(),
    ping: () => store.ping(),
    async submit(tasks) {
      const outcomes = await store.submit(tasks.map((task) => submitted(task, tasks)));
      return outcomes.map((outcome, index) => outcomeOf(outcome, tasks[index]?.id));
    },
    async lease(asks) {
      const grants = await store.lease(asks);
      return grants.map((grant) => ({
        ...grant,
        tasks: grant.tasks.map((task): LeasedTask => record(task)),
      }));
    },
    renew: (renewals) => store.renew(renamed(renewals)),
    append: (appends) => store.append(renamed(appends)),
    finish: (finishes) => store.finish(finishes.map(finishOf)),
    cancel: (cancels) => store.cancel(renamed(cancels)),
    retry: (retries) => store.retry(renamed(retries)),
    remove: (names) => store.remove(names.map(idOf)),
    configure: (changes) => store.configure(changes),
    announce: (workers, presentMs) => store.announce(workers, presentMs),
    load: (queue, key) => store.load(queue, key),
    get: async (names) => (await store.get(names.map(idOf))).map((task) => task && record(task)),
    async list(query) {
      const page = await store.list(query);
      return { ...page, tasks: page.tasks.map(record) };
    },
    async readLog(query) {
      const page = await store.readLog({ ...query, taskId: idOf(query.taskId) });
      return (
        page && {
          ...page,
          entries: page.entries.map((entry) =>
            entry.change === undefined
              ? entry
              : { ...entry, change: { ...entry.change, reason: ids.told(entry.change.reason) } },
          ),
        }
      );
    },
    stats: (queues) => store.stats(queues),
    sweep: () => store.sweep(),
    subscribe: (listener) => store.subscribe((signal) => listener(signalOf(signal))),
    close: () => store.close(),
  };
}
