/**
 * The header by which a caller says that a call may be tried again although its RPC is not idempotent by itself: SubmitTask
 * with an idempotency key, say. Routes of the control plane match it.
 */
export const idempotentHeader = "agentmesh-idempotent";
export const idempotentValue = "true";
