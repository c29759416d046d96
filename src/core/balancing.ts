/** The balancer that clients bring along and control planes name. */

/** As it is registered with grpc-js. */
export const leastRequestName = "agentmesh_least_request";
/** As an xds.type.v3.TypedStruct names it: what follows the last slash is the registered name. */
export const leastRequestTypeUrl = `type.googleapis.com/${leastRequestName}`;
