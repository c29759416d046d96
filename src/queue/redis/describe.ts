/** Says what an acknowledgement of this Redis means: of the weakest of its servers that take writes. */
import type { StoreDescription } from "../store.ts";
import type { Connection } from "./connection.ts";

interface Settings {
  readonly appendonly?: string;
  readonly appendfsync?: string;
  readonly save?: string;
  readonly "maxmemory-policy"?: string;
}

interface Server {
  readonly address: string;
  /** Undefined where CONFIG is forbidden, as hosted Redis does. */
  readonly settings: Settings | undefined;
  /** Replicas that follow it now. */
  readonly replicas: number;
}

export async function describe(connection: Connection): Promise<StoreDescription> {
  const servers = await readServers(connection);
  const meanings = servers.map(({ settings }) => (settings === undefined ? unknown : meaningOf(settings)));
  const { durability, warning } = meanings.reduce((a, b) => (b.rank < a.rank ? b : a));
  const warnings = [warning, evictionWarning(servers), replicasWarning(servers, connection)];
  const told = warnings.filter((text) => text !== undefined);
  return {
    kind: "redis",
    address: connection.address,
    durability: `${durability}${ofSeveral(meanings)}${failoverMeaning(servers, connection)}`,
    warning: told.length === 0 ? undefined : told.join(" "),
  };
}

async function readServers(connection: Connection): Promise<readonly Server[]> {
  const names = ["appendonly", "appendfsync", "save", "maxmemory-policy"];
  const configs = await connection.callEach("CONFIG", "GET", ...names).catch(() => undefined);
  const infos = await connection.callEach("INFO", "replication");
  return infos.map(({ address, answer }) => {
    const config = configs?.find((one) => one.address === address)?.answer;
    return {
      address,
      settings: config === undefined ? undefined : settingsOf(config as Buffer[]),
      replicas: String(answer).match(/^slave\d+:.*state=online/gm)?.length ?? 0,
    };
  });
}

/** Names and values by turns. */
function settingsOf(pairs: readonly Buffer[]): Settings {
  const texts = pairs.map(String);
  return Object.fromEntries(texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1]]] : [])));
}

interface Meaning {
  readonly durability: string;
  readonly warning?: string;
  /** Less is weaker. */
  readonly rank: number;
}

const unknown: Meaning = {
  durability: "unknown: the server does not tell its settings (CONFIG is forbidden)",
  warning: "Ask whoever runs this Redis for appendonly and maxmemory-policy noeviction.",
  rank: 2,
};

function meaningOf({ appendonly, appendfsync, save }: Settings): Meaning {
  if (appendonly === "yes" && appendfsync === "always")
    return { durability: "an acknowledged task is on the server's disk (appendonly, fsync always)", rank: 5 };
  if (appendonly === "yes" && appendfsync === "everysec")
    return {
      durability:
        "an acknowledged task survives the server's process; a crash of its machine loses up to the last second or two (appendonly, fsync everysec)",
      rank: 4,
    };
  if (appendonly === "yes")
    return {
      durability: `an acknowledged task survives the server's process; a crash of its machine loses what its system had not written yet (appendonly, fsync ${appendfsync})`,
      rank: 3,
    };
  if (save)
    return {
      durability: `an acknowledged task is in memory; a restart loses what came after the last snapshot (save ${save})`,
      warning: "Set appendonly yes: with snapshots alone, a crash loses minutes of acknowledged tasks.",
      rank: 1,
    };
  return {
    durability: "an acknowledged task is in memory only: a restart loses every task",
    warning: "Nothing is persisted. Set appendonly yes.",
    rank: 0,
  };
}

function ofSeveral(meanings: readonly Meaning[]): string {
  if (meanings.length === 1) return "";
  const isSame = meanings.every(({ rank }) => rank === meanings[0]?.rank);
  return isSame
    ? `, on each of ${meanings.length} masters`
    : `, on the weakest of ${meanings.length} masters`;
}

/** Empty where no other server can take this one's place. */
function failoverMeaning(servers: readonly Server[], { kind, replicas }: Connection): string {
  if (replicas.count > 0)
    return `; it is acknowledged when ${counted(replicas.count)} had it in memory (redis.waitReplicas)`;
  const canFailOver = kind !== "server" || servers.some((server) => server.replicas > 0);
  if (!canFailOver) return "";
  return "; a fail-over loses what the promoted replica had not received (redis.waitReplicas is 0)";
}

function counted(replicas: number): string {
  return replicas === 1 ? "a replica" : `${replicas} replicas`;
}

function replicasWarning(servers: readonly Server[], { replicas }: Connection): string | undefined {
  const short = servers.filter((server) => server.replicas < replicas.count);
  if (short.length === 0) return undefined;
  const where = short.map((server) => `${server.address} has ${server.replicas}`).join(", ");
  return `redis.waitReplicas is ${replicas.count} and ${where}: no write is acknowledged there.`;
}

function evictionWarning(servers: readonly Server[]): string | undefined {
  const policies = servers.map(({ settings }) => settings?.["maxmemory-policy"]);
  const policy = policies.find((one) => one !== undefined && one !== "noeviction");
  if (policy === undefined) return undefined;
  return `maxmemory-policy is ${policy}: a full server drops keys, and with them tasks. Set noeviction.`;
}
