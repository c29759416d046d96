/** A bounded line between tasks of one process: whoever pushes waits while it is full, so that a slow reader holds its writers. */
export class Channel<Value> implements AsyncIterable<Value> {
  readonly #capacity: number;
  #values: Value[] = [];
  #ended = false;
  #error: unknown;
  #wakeReader = () => {};
  #room = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Resolves when there is room for the next. After the end it is forgotten. */
  async push(value: Value): Promise<void> {
    if (this.#ended) return;
    this.#values.push(value);
    this.#wakeReader();
    while (this.#values.length >= this.#capacity && !this.#ended) await this.#room.promise;
  }

  /** What was pushed is still read; then the reading ends, with `error` where one is given. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wakeReader();
    this.#room.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value> {
    try {
      for (;;) {
        const values = this.#values;
        this.#values = [];
        this.#room.resolve();
        this.#room = Promise.withResolvers<void>();
        yield* values;
        if (this.#values.length > 0) continue;
        if (this.#ended) break;
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
      if (this.#error !== undefined) throw this.#error;
    } finally {
      this.end();
    }
  }
}
