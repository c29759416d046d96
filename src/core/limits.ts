/** Every limit that a boundary refuses by, in one table; docs/config.md lists those that a setting can change. */
export const limits = Object.freeze({
  /** Bytes of one encoded payload: an input, an output. Settable: `payload.maxBytes`. */
  payloadBytesMax: 1_048_576,
  /**
   * Bytes of one encoded payload that is offloaded. Settable: `payload.bodyBytesMax`. One message carries a task's input and
   * its output together, which is less than half a message for each.
   */
  bodyBytesMax: 7 * 1_048_576,
  /**
   * Objects and lists within each other in a JSON payload. Decoders of protobuf stop at 100 messages within each other, and
   * each level of a Struct is three of them; the rest is left to what carries the payload. A value nested deeper travels as text.
   */
  jsonLevelsMax: 24,
  /** Objects and lists within each other in a payload that is JSON text. */
  jsonTextLevelsMax: 1_000,
  /** Bytes of one encoded log entry. */
  logEntryBytesMax: 65_536,
  /** Entries kept of one task's log; the oldest are trimmed and watchers see a gap. */
  logEntriesMax: 10_000,
  /** Specs in one SubmitTasks request or SubmitStream message. */
  batchMax: 1_000,
  /** Unfinished tasks in one queue. Settable: `queue.maxTasks`. */
  queueTasksMax: 5_000_000,
  tenantBytesMax: 128,
  idempotencyKeyBytesMax: 256,
  titleBytesMax: 256,
  reasonBytesMax: 1_024,
  workerIdBytesMax: 128,
  traceparentBytesMax: 64,
  /** As W3C's trace context has it. */
  tracestateBytesMax: 512,
  /** Kinds of error in one retry policy. */
  errorsNotRetriedMax: 64,
  errorKindBytesMax: 64,
  labelsMax: 16,
  labelBytesMax: 128,
  dependenciesMax: 1_000,
  dependencyNameBytesMax: 64,
  /** Bytes of an encoded spec besides its input: what its longest legal fields take together. */
  specBytesMax: 262_144,
  attemptsMax: 100,
  /** An error's message is cut to this. */
  errorMessageCharactersMax: 4_096,
  /** An error's detail, a stack say, is cut to this. */
  errorDetailCharactersMax: 4_096,
  /** A page of a list ends before it would have more bytes, short of its size. */
  pageBytesMax: 4 * 1_048_576,
  pageSizeMax: 500,
  pageSizeDefault: 50,
  /** Longest time ahead that a task may be scheduled for: one year. */
  delayMsMax: 366 * 24 * 3_600_000,
  concurrencyKeyBytesMax: 128,
  /** Who paused a queue. */
  actorBytesMax: 128,
  /** A task's timeouts: to start, to finish, heartbeat. */
  timeoutMsMin: 100,
  timeoutMsMax: 366 * 24 * 3_600_000,
  /** A queue's caps on running tasks, whole or by key. */
  runningMax: 1_000_000,
  ratePerSecondMin: 0.0001,
  ratePerSecondMax: 1_000_000,
  burstMax: 1_000_000,
  tenantWeightMin: 0.01,
  tenantWeightMax: 100,
  /** Tenants that one queue's policy may weigh. */
  tenantWeightsMax: 100,
  /** Tasks that one RedriveQueue may put back. */
  redriveMax: 100_000,
  redriveDefault: 10_000,
  leaseMsMin: 1_000,
  leaseMsMax: 3_600_000,
  leaseMsDefault: 30_000,
  /** Entries in one append to a task's log. */
  appendEntriesMax: 1_000,
  /** Leases that one AssignTask may take. */
  assignMax: 32,
  assignWaitMsMax: 60_000,
  /** Leases that one worker may hold credit for. */
  creditMax: 10_000,
  workflowNodesMax: 1_000,
  /** Resources of one kind that one xDS client may name: thousands of roles, and no client that names for the sake of it. */
  discoveryNamesMax: 10_000,
  /** Of one such name, and of the names by which a client tells who and where it is: those of Envoy's own configuration are shorter. */
  discoveryNameBytesMax: 512,
  /** Clients in one answer of ListDiscoveryClients, and names of each subscription in it: a person reads no more. */
  discoveryClientsMax: 5_000,
  discoveryNamesShownMax: 20,
  /** Instances that live at once. */
  instancesMax: 10_000,
  instanceIdBytesMax: 128,
  instanceVersionBytesMax: 128,
  localityBytesMax: 128,
  instanceWeightMax: 1_000,
  /** How long an instance lives without a heartbeat. */
  instanceTtlMsMin: 3_000,
  instanceTtlMsMax: 3_600_000,
  instanceTtlMsDefault: 10_000,
  /** Whole gRPC message: a batch of payloads has to fit. */
  messageBytesMax: 16 * 1_048_576,
});
