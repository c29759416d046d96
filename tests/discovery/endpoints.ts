/** Endpoints for the tests of discovery. */
import fc from "fast-check";
import { type Endpoint, localityUnknown } from "../../src/discovery/endpoint.ts";

let made = 0;

export function endpoint(parts: Partial<Endpoint> = {}): Endpoint {
  made++;
  return {
    id: `instance-${made}`,
    role: "coding",
    address: "127.0.0.1",
    port: 10_000 + made,
    locality: localityUnknown,
    weight: 1,
    version: "1",
    health: "HEALTHY",
    ...parts,
  };
}

export const anyEndpoint: fc.Arbitrary<Endpoint> = fc.record({
  id: fc.stringMatching(/^[a-z0-9]{1,8}$/),
  role: fc.constantFrom("coding", "testing", "security"),
  address: fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1"),
  port: fc.integer({ min: 1, max: 20 }),
  locality: fc.record({
    region: fc.constantFrom("", "eu", "us"),
    zone: fc.constantFrom("", "a", "b"),
    subZone: fc.constantFrom("", "rack-1"),
  }),
  weight: fc.integer({ min: 1, max: 1_000 }),
  version: fc.constantFrom("1", "2", ""),
  health: fc.constantFrom("HEALTHY", "DRAINING", "UNHEALTHY"),
});
