import { describe } from "vitest";
import { MemoryRegistry } from "../../../src/fleet/memory/registry.ts";
import { instancesContract } from "../../contract/instances.ts";

describe("the registry in memory", () =>
  instancesContract(async () => {
    let nowMs = 1_700_000_000_000;
    const registry = new MemoryRegistry({ now: () => nowMs });
    return {
      registry,
      other: registry,
      elapse: async (ms) => {
        nowMs += ms;
      },
      close: () => registry.close(),
    };
  }));
