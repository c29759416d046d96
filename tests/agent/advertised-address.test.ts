import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { advertisedAddress, type Interfaces } from "../../src/agent/advertised-address.ts";

function info(address: string, internal = false): NetworkInterfaceInfo {
  const family = address.includes(":") ? "IPv6" : "IPv4";
  return { address, internal, family, netmask: "", mac: "", cidr: null, scopeid: 0 } as NetworkInterfaceInfo;
}

const loopback = { lo: [info("127.0.0.1", true), info("::1", true)] };
const dual = {
  ...loopback,
  eth0: [info("fe80::1"), info("2001:db8::7"), info("10.0.0.7")],
  eth1: [info("10.1.0.7")],
};
const six = { ...loopback, eth0: [info("fe80::1"), info("2001:db8::7")] };

function advertised(host: string, interfaces: Interfaces = dual, advertise?: string) {
  const names: Record<string, string> = { localhost: "127.0.0.1", here: "10.9.0.1" };
  return advertisedAddress({
    ...{ advertise, host, interfaces: () => interfaces },
    lookup: async (name) => ({ address: names[name] ?? "", family: 4 }),
  });
}

test.each<[string, string, Interfaces, string | undefined, string, string]>([
  ["what is set", "0.0.0.0", dual, "192.0.2.1", "192.0.2.1", "server.advertise"],
  ["the address that is listened on", "10.0.0.9", dual, undefined, "10.0.0.9", "server.host"],
  ["the loopback where it is listened on", "127.0.0.1", dual, undefined, "127.0.0.1", "server.host"],
  ["a link's address without its zone", "fe80::9%eth0", dual, undefined, "fe80::9", "server.host"],
  ["what a name stands for", "here", dual, undefined, "10.9.0.1", "server.host"],
  [
    "the machine's first IPv4 address",
    "0.0.0.0",
    dual,
    undefined,
    "10.0.0.7",
    "the machine's first address, of eth0",
  ],
  [
    "the same for every address of IPv6",
    "::",
    dual,
    undefined,
    "10.0.0.7",
    "the machine's first address, of eth0",
  ],
  [
    "an IPv6 address where there is no other",
    "::",
    six,
    undefined,
    "2001:db8::7",
    "the machine's first address, of eth0",
  ],
  ["no IPv6 address that is not listened on", "0.0.0.0", six, undefined, "127.0.0.1", "the loopback, as"],
  [
    "the loopback where there is nothing else",
    "0.0.0.0",
    loopback,
    undefined,
    "127.0.0.1",
    "the loopback, as",
  ],
])("an instance is registered with %s", async (_, host, interfaces, advertise, address, from) => {
  const found = await advertised(host, interfaces, advertise);
  expect(found).toEqual({ address, from: expect.stringContaining(from) });
});
