/** Says what an acknowledgement of this Redis means. */
import type { StoreDescription } from "../store.ts";
import type { Connection } from "./connection.ts";

interface Settings {
  readonly appendonly?: string;
  readonly appendfsync?: string;
  readonly save?: string;
  readonly "maxmemory-policy"?: string;
}

export async function describe(connection: Connection): Promise<StoreDescription> {
  const settings = await readSettings(connection);
  const { durability, warning } = settings === undefined ? unknown : meaningOf(settings);
  const warnings = [warning, evictionWarning(settings)].filter((text) => text !== undefined);
  return {
    kind: "redis",
    address: connection.address,
    durability,
    warning: warnings.length === 0 ? undefined : warnings.join(" "),
  };
}

/** Undefined where CONFIG is forbidden, as hosted Redis does. */
async function readSettings(connection: Connection): Promise<Settings | undefined> {
  const names = ["appendonly", "appendfsync", "save", "maxmemory-policy"];
  try {
    return Object.fromEntries(
      await Promise.all(
        names.map(async (name) => [
          name,
          String(((await connection.within(connection.redis.config("GET", name))) as string[])[1]),
        ]),
      ),
    ) as Settings;
  } catch {
    return undefined;
  }
}

interface Meaning {
  readonly durability: string;
  readonly warning?: string;
}

const unknown: Meaning = {
  durability: "unknown: the server does not tell its settings (CONFIG is forbidden)",
  warning: "Ask whoever runs this Redis for appendonly and maxmemory-policy noeviction.",
};

function meaningOf({ appendonly, appendfsync, save }: Settings): Meaning {
  if (appendonly === "yes" && appendfsync === "always")
    return { durability: "an acknowledged task is on the server's disk (appendonly, fsync always)" };
  if (appendonly === "yes" && appendfsync === "everysec")
    return {
      durability:
        "an acknowledged task survives the server's process; a crash of its machine loses up to the last second or two (appendonly, fsync everysec)",
    };
  if (appendonly === "yes")
    return {
      durability: `an acknowledged task survives the server's process; a crash of its machine loses what its system had not written yet (appendonly, fsync ${appendfsync})`,
    };
  if (save)
    return {
      durability: `an acknowledged task is in memory; a restart loses what came after the last snapshot (save ${save})`,
      warning: "Set appendonly yes: with snapshots alone, a crash loses minutes of acknowledged tasks.",
    };
  return {
    durability: "an acknowledged task is in memory only: a restart loses every task",
    warning: "Nothing is persisted. Set appendonly yes.",
  };
}

function evictionWarning(settings: Settings | undefined): string | undefined {
  const policy = settings?.["maxmemory-policy"];
  if (policy === undefined || policy === "noeviction") return undefined;
  return `maxmemory-policy is ${policy}: a full server drops keys, and with them tasks. Set noeviction.`;
}
