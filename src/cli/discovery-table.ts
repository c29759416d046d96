/** What a control plane knows as people read it, no wider than 80 columns. */
import {
  type DiscoveryClient,
  type DiscoveryEndpoint,
  type DiscoverySubscription,
  EndpointHealth,
  type GetDiscoveryResponse,
  SubscriptionState,
} from "../../gen/grpc/agentmesh/v1/discovery.ts";
import { systemClock } from "../core/clock.ts";
import { type Column, out, print, table } from "./output.ts";
import { plainLine, shownDuration } from "./terminal-text.ts";

const endpointColumns: readonly Column<DiscoveryEndpoint>[] = [
  { head: "ROLE", cell: ({ role }) => role, paint: (cell) => out.bold(cell), least: 8 },
  { head: "ADDRESS", cell: addressOf, least: 15 },
  {
    head: "HEALTH",
    cell: ({ health }) => healthWord(health),
    paint: (cell, { health }) => inColor(cell, health),
  },
  { head: "ZONE", cell: zoneOf, least: 4 },
  { head: "VERSION", cell: ({ version }) => version || "-", least: 7 },
  { head: "WEIGHT", cell: ({ weight }) => String(weight), right: true },
];

export function showDiscovery(discovery: GetDiscoveryResponse): void {
  const { endpoints } = discovery;
  if (endpoints.length === 0) print("no replica is known");
  else print(table(endpointColumns, [...endpoints].sort(byRole)));
  print(out.dim(`\nsource  ${plainLine(discovery.source)}`));
  print(out.dim(`policy  ${policyWords(discovery)}`));
  print(out.dim(`version ${discovery.version}`));
  for (const line of troubles(discovery)) print(out.yellow(line));
}

/** What differs between two states, a line each; everything where there is no first. */
export function printChange(last: GetDiscoveryResponse | undefined, next: GetDiscoveryResponse): void {
  // What is not of the endpoints, a policy that is refused say, comes without a publication: it is of now.
  const published = last?.publishTime?.getTime() !== next.publishTime?.getTime() && next.publishTime;
  const time = (published || new Date(systemClock.now())).toISOString().slice(11, 23);
  for (const line of changesOf(last, next)) print(`${out.dim(time)} ${line}`);
}

function changesOf(last: GetDiscoveryResponse | undefined, next: GetDiscoveryResponse): string[] {
  const before = new Map(last?.endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
  const after = new Map(next.endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
  const come = [...after].flatMap(([key, endpoint]) => {
    const old = before.get(key);
    const words = wordsOf(endpoint);
    if (old === undefined) return [`+ ${words} ${healthWord(endpoint.health)}`];
    if (old.health === endpoint.health) return [];
    return [`~ ${words} ${healthWord(old.health)} → ${healthWord(endpoint.health)}`];
  });
  const gone = [...before].filter(([key]) => !after.has(key)).map(([, endpoint]) => `- ${wordsOf(endpoint)}`);
  const loaded = next.policy?.loadTime?.getTime();
  const policy = last && loaded !== last.policy?.loadTime?.getTime() ? [`policy: ${policyWords(next)}`] : [];
  const known = new Set(last ? troubles(last) : []);
  const news = troubles(next).filter((line) => !known.has(line));
  const over = last?.sourceError && !next.sourceError ? ["the source can be read again"] : [];
  const changes = [...come, ...gone, ...policy, ...news, ...over];
  if (changes.length > 0 || !last) return changes.length > 0 ? changes : ["no replica is known"];
  return next.version === last.version ? [] : [`version ${next.version}`];
}

function wordsOf(endpoint: DiscoveryEndpoint): string {
  return `${out.bold(endpoint.role)} ${addressOf(endpoint)}`;
}

function keyOf(endpoint: DiscoveryEndpoint): string {
  return `${endpoint.role} ${addressOf(endpoint)} ${endpoint.id}`;
}

function byRole(a: DiscoveryEndpoint, b: DiscoveryEndpoint): number {
  return a.role.localeCompare(b.role) || addressOf(a).localeCompare(addressOf(b));
}

function addressOf({ address, port }: DiscoveryEndpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function zoneOf({ locality }: DiscoveryEndpoint): string {
  return [locality?.region, locality?.zone, locality?.subZone].filter(Boolean).join("/") || "-";
}

const healthWords: Readonly<Record<EndpointHealth, string>> = {
  [EndpointHealth.UNSPECIFIED]: "unknown",
  [EndpointHealth.HEALTHY]: "healthy",
  [EndpointHealth.DRAINING]: "draining",
  [EndpointHealth.UNHEALTHY]: "unhealthy",
};

function healthWord(health: EndpointHealth): string {
  return healthWords[health];
}

function inColor(cell: string, health: EndpointHealth): string {
  return health === EndpointHealth.HEALTHY ? out.green(cell) : out.yellow(cell);
}

function policyWords({ policy }: GetDiscoveryResponse): string {
  if (!policy?.file) return "the defaults; discovery.policyFile names a file";
  const since = policy.loadTime && shownDuration(systemClock.now() - policy.loadTime.getTime());
  return since
    ? `${plainLine(policy.file)}, accepted ${since} ago`
    : `${plainLine(policy.file)}, never accepted`;
}

function troubles({ policy, sourceError }: GetDiscoveryResponse): string[] {
  return [
    ...(policy?.error
      ? [`the policy's file is refused, the last good one stays: ${plainLine(policy.error)}`]
      : []),
    ...(sourceError ? [`the source cannot be read, the last known stays: ${plainLine(sourceError)}`] : []),
  ];
}

const clientColumns: readonly Column<DiscoveryClient>[] = [
  { head: "CLIENT", cell: ({ nodeId }) => plainLine(nodeId), paint: (cell) => out.bold(cell), least: 12 },
  { head: "SOFTWARE", cell: ({ userAgent }) => plainLine(userAgent), least: 10 },
  {
    head: "FOR",
    right: true,
    cell: ({ connectTime }) => shownDuration(systemClock.now() - (connectTime?.getTime() ?? 0)),
  },
  { head: "ROLES", cell: rolesOf, least: 8 },
  {
    head: "STATE",
    cell: stateOf,
    paint: (cell, client) => (refusals(client).length > 0 ? out.red(cell) : cell),
  },
];

export function showClients(clients: readonly DiscoveryClient[]): void {
  print(clients.length === 0 ? "no xDS client is connected" : table(clientColumns, clients));
  for (const client of clients)
    for (const { typeUrl, error } of refusals(client))
      print(out.red(`${plainLine(client.nodeId)} refused ${shortType(typeUrl)}: ${plainLine(error)}`));
}

function rolesOf({ subscriptions }: DiscoveryClient): string {
  const listeners = subscriptions.find(({ typeUrl }) => shortType(typeUrl) === "Listener");
  return listeners ? plainLine(listeners.names.join(",")) || "all" : "-";
}

function stateOf(client: DiscoveryClient): string {
  if (refusals(client).length > 0) return "refused";
  const waits = client.subscriptions.some(({ state }) => state === SubscriptionState.SENT);
  return waits ? "sent" : "acknowledged";
}

function refusals({ subscriptions }: DiscoveryClient): DiscoverySubscription[] {
  return subscriptions.filter(({ state }) => state === SubscriptionState.REFUSED);
}

/** "Listener" of "type.googleapis.com/envoy.config.listener.v3.Listener". */
function shortType(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}
