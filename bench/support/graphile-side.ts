/** graphile-worker on PostgreSQL as a side of the embedded store's benchmark; its batched settings, for a fair drain. */
import { Logger, makeWorkerUtils, run, type WorkerUtils } from "graphile-worker";
import { type Contender, crowd } from "./measure.ts";
import { ownMeter } from "./meters.ts";
import type { PostgresServer } from "./postgres.ts";

const task = "bench";
const silent = new Logger(() => () => {});

export class GraphileSide {
  readonly #server: PostgresServer;
  readonly #utils: WorkerUtils;
  readonly #data: object;
  readonly #slots: number;

  private constructor(server: PostgresServer, utils: WorkerUtils, options: { data: object; slots: number }) {
    this.#server = server;
    this.#utils = utils;
    this.#data = options.data;
    this.#slots = options.slots;
  }

  static async open(
    server: PostgresServer,
    options: { readonly data: object; readonly slots: number },
  ): Promise<GraphileSide> {
    const preset = { worker: { connectionString: server.url, maxPoolSize: 32, logger: silent } };
    const utils = await makeWorkerUtils({ preset });
    await utils.migrate();
    return new GraphileSide(server, utils, options);
  }

  submit(inFlight: number): Contender {
    const add = () => this.#utils.addJob(task, this.#data, { maxAttempts: 3 });
    return this.#contender("graphile-worker addJob", (tasks) => crowd(tasks, inFlight, add));
  }

  submitBatches(size: number): Contender {
    const name = `graphile-worker addJobs of ${size}`;
    return this.#contender(name, (tasks) => crowd(tasks / size, 1, () => this.#addJobs(size)));
  }

  drain(): Contender {
    const name = `graphile-worker, ${this.#slots} jobs at once`;
    return this.#contender(name, (tasks) => this.#drain(tasks));
  }

  lifeCycle(size: number): Contender {
    return this.#contender("graphile-worker", async (tasks) => {
      await crowd(tasks / size, 1, () => this.#addJobs(size));
      await this.#drain(tasks);
    });
  }

  async fill(tasks: number): Promise<void> {
    await crowd(Math.ceil(tasks / 500), 1, () => this.#addJobs(500));
  }

  /** Empties its tables, for the next row. */
  async clear(): Promise<void> {
    await this.#utils.withPgClient((client) => client.query("TRUNCATE graphile_worker._private_jobs"));
  }

  async close(): Promise<void> {
    await this.#utils.release();
  }

  #contender(name: string, work: Contender["run"]): Contender {
    return { name, meters: [ownMeter("client"), this.#server.meter()], run: work };
  }

  async #addJobs(count: number): Promise<void> {
    const job = { identifier: task, payload: this.#data, maxAttempts: 3 };
    await this.#utils.addJobs(Array.from({ length: count }, () => job));
  }

  /** As the runner stops, up to a batch more may have been run: {@link fill} has to allow for them. */
  async #drain(tasks: number): Promise<void> {
    const done = Promise.withResolvers<void>();
    let left = tasks;
    const runner = await run({
      preset: {
        worker: {
          connectionString: this.#server.url,
          logger: silent,
          maxPoolSize: 10,
          concurrentJobs: this.#slots,
          localQueue: { size: 2 * this.#slots },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
      noHandleSignals: true,
      taskList: {
        [task]: async () => {
          if (--left === 0) done.resolve();
        },
      },
    });
    await done.promise;
    await runner.stop();
  }
}
