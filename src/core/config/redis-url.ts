/**
 * The addresses of Redis: one server, one that Sentinels name, or a cluster.
 *
 *     redis://[USER:PASSWORD@]HOST[:PORT][/DB]
 *     redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DB]
 *     redis+cluster://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]
 *
 * `rediss` in place of `redis` is TLS. Nothing else is taken, and nothing that a client would read as an option.
 */

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  readonly kind: "server" | "sentinel" | "cluster";
  /** The server, the Sentinels, or nodes of the cluster to begin with; at least one. */
  readonly hosts: readonly RedisHost[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** What the Sentinels call the server. */
  readonly masterName?: string;
  /** The URL, normalised: odd characters of a password stand percent-encoded. */
  readonly href: string;
  /** The URL without credentials. */
  readonly shown: string;
}

const form = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:(.*)@)?([^@/?#]+)(\/[^?#]*)?$/;
const portDefaults = { server: 6379, cluster: 6379, sentinel: 26_379 } as const;
/** Redis numbers its databases; a client would send anything else as it stands. */
const paths = {
  server: /^(?:\/(?<db>\d{0,9}))?$/,
  cluster: /^\/?$/,
  sentinel: /^\/(?<name>[\w.-]+)(?:\/(?<db>\d{1,9}))?$/,
} as const;

/** Undefined where the text is no such address. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const [, scheme, mode, userInfo, list = "", path = ""] = form.exec(text) ?? [];
  const kind = (mode ?? "server") as RedisAddress["kind"];
  const parts = scheme === undefined ? undefined : (paths[kind].exec(path)?.groups ?? {});
  const names = list.split(",");
  if (parts === undefined || !paths[kind].test(path) || (kind === "server" && names.length > 1)) return;
  const credentials = userInfo === undefined ? "" : `${userInfo}@`;
  const urls = names.map((name) => urlOf(`redis://${credentials}${name}`));
  const [first] = urls;
  if (first === undefined || urls.includes(undefined)) return;
  const user = userOf(first);
  if (user === undefined) return;
  const hosts = (urls as URL[]).map((url) => url.host);
  const prefix = `${scheme}${mode === undefined ? "" : `+${mode}`}://`;
  const rest = path === "/" && kind === "cluster" ? "" : path;
  return {
    kind,
    hosts: (urls as URL[]).map((url) => ({
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port) || portDefaults[kind],
    })),
    tls: scheme === "rediss",
    ...user,
    database: Number(parts.db ?? 0),
    ...(parts.name === undefined ? {} : { masterName: parts.name }),
    href: `${prefix}${encodedUser(first)}${hosts.join(",")}${rest}`,
    shown: `${prefix}${hosts.join(",")}${rest === "/" ? "" : rest}`,
  };
}

/** A host, a port, and who asks, alone. */
function urlOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAlone = url !== undefined && url.hostname !== "" && url.search === "" && url.hash === "";
  return isAlone && url.pathname === "" ? url : undefined;
}

function encodedUser({ username, password }: URL): string {
  if (username === "" && password === "") return "";
  return password === "" ? `${username}@` : `${username}:${password}@`;
}

function userOf({ username, password }: URL): Pick<RedisAddress, "username" | "password"> | undefined {
  try {
    return {
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    };
  } catch {
    return;
  }
}
