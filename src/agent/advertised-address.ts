/** The address that a process's instances are registered with. */
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";

export interface AdvertisedAddress {
  /** An IP literal. */
  readonly address: string;
  /** Where it is from, in words for the log. */
  readonly from: string;
}

/** What a machine has, by the interface's name, as `os.networkInterfaces()` tells. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

export interface AdvertiseOptions {
  /** Setting `server.advertise`. */
  readonly advertise: string | undefined;
  /** Setting `server.host`: an address of this machine, one that means all of them, or a name. */
  readonly host: string;
  readonly interfaces: () => Interfaces;
  /** How the listeners look the host's name up. */
  readonly lookup: (name: string) => Promise<LookupAddress>;
}

/**
 * What is set; else the address that is listened on, where it is one; else the machine's first that is not internal, an IPv4
 * one where there is any. Rejects as `lookup` does, which no host that can be listened on makes it do.
 */
export async function advertisedAddress(options: AdvertiseOptions): Promise<AdvertisedAddress> {
  const { advertise, host, interfaces, lookup } = options;
  if (advertise !== undefined) return { address: advertise, from: "server.advertise" };
  const address = isIP(host) > 0 ? host : (await lookup(host)).address;
  if (!/^[0:.]+$/.test(address)) return { address: withoutZone(address), from: "server.host" };
  return ofMachine(address.includes(":"), interfaces());
}

function ofMachine(isDualStack: boolean, interfaces: Interfaces): AdvertisedAddress {
  const outward = Object.entries(interfaces).flatMap(([name, infos = []]) =>
    infos.filter(({ internal }) => !internal).map((info) => ({ ...info, name })),
  );
  const found =
    outward.find(({ family }) => family === "IPv4") ??
    // A link's own address means nothing beyond the link.
    outward.find(({ family, address }) => isDualStack && family === "IPv6" && !address.startsWith("fe80:"));
  if (found !== undefined)
    return { address: found.address, from: `the machine's first address, of ${found.name}` };
  return { address: "127.0.0.1", from: "the loopback, as this machine has no other" };
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}
