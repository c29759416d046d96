/** Thrown by `task.suspend`, caught by whoever runs the handler: the run is over, the task is not. */
export class Suspension extends Error {
  override readonly name = "Suspension";
  readonly until: readonly string[];
  readonly state: unknown;

  constructor(until: readonly string[], state: unknown) {
    super(`suspended until ${until.length} tasks have ended; let this pass through the handler`);
    this.until = until;
    this.state = state;
  }
}
