/**
 * The exact meaning of {@link BodyStore}. A back end's test is the few lines that open an empty one; where it cannot, the
 * opener skips the test and says why.
 */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { uniqueId } from "../../src/core/ids.ts";
import { type BodyStore, bodyName, bodyNameOf, ownerOf } from "../../src/queue/bodies.ts";

export interface OpenedBodies {
  readonly bodies: BodyStore;
  /** Another handle on the same bodies. */
  second(): BodyStore;
  close(): Promise<void>;
}

export type OpenBodies = (skip: (why: string) => never) => Promise<OpenedBodies>;

let made = 0;

function newName(kind: "input" | "output" = "input"): string {
  made += 1;
  return bodyName({ taskId: `line-count.${made}t`, kind }, uniqueId(1_700_000_000_000 + made));
}

/** Every name, by pages of `limit`. */
export async function allNames(bodies: BodyStore, limit = 1_000): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bodies.list({ limit, cursor });
    names.push(...page.names);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return names;
}

export function bodiesContract(kind: string, open: OpenBodies): void {
  const opened = (title: string, run: (all: OpenedBodies) => Promise<void>) =>
    test(title, { timeout: 60_000 }, async (context) => {
      const all = await open((why) => context.skip(why));
      try {
        await run(all);
      } finally {
        await all.close();
      }
    });

  describe(`${kind} keeps the contract of a body store`, () => {
    opened("what was put is read, byte for byte, by another handle too", async ({ bodies, second }) => {
      const sizes = [0, 1, 65_537, 7 * 1_048_576];
      const all = sizes.map((size) => ({ name: newName(), bytes: randomBytes(size) }));
      await Promise.all(all.map(({ name, bytes }) => bodies.put(name, bytes)));
      for (const { name, bytes } of all) expect((await second().get(name))?.equals(bytes), name).toBe(true);
    });

    opened("a body that is not there reads as undefined", async ({ bodies }) => {
      expect(await bodies.get(newName())).toBeUndefined();
      await bodies.put(newName(), randomBytes(3));
      expect(await bodies.get(newName())).toBeUndefined();
    });

    opened("a deleted body is gone; deleting what is not there does nothing", async ({ bodies, second }) => {
      const [kept, gone] = [newName(), newName("output")];
      await bodies.put(kept, randomBytes(10));
      await bodies.put(gone, randomBytes(10));
      await bodies.delete([gone, newName()]);
      await bodies.delete([gone]);
      await bodies.delete([]);
      expect(await second().get(gone)).toBeUndefined();
      expect(await allNames(bodies)).toEqual([kept]);
    });

    opened("a list has every name once, whatever its pages' size", async ({ bodies }) => {
      expect(await bodies.list({ limit: 10 })).toEqual({ names: [] });
      const names = Array.from({ length: 40 }, () => newName());
      await Promise.all(names.map((name) => bodies.put(name, Buffer.from(name))));
      for (const limit of [1, 7, 40, 1_000])
        expect((await allNames(bodies, limit)).sort(), `pages of ${limit}`).toEqual([...names].sort());
    });

    opened("a list that is read while bodies go misses none of those that stay", async ({ bodies }) => {
      const names = Array.from({ length: 30 }, () => newName());
      await Promise.all(names.map((name) => bodies.put(name, Buffer.from(name))));
      const seen = new Set<string>();
      const deleted = new Set<string>();
      let cursor: string | undefined;
      do {
        const page = await bodies.list({ limit: 4, cursor });
        for (const name of page.names) seen.add(name);
        const some = page.names.slice(0, 2);
        await bodies.delete(some);
        for (const name of some) deleted.add(name);
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect([...seen].sort()).toEqual([...names].sort());
      expect((await allNames(bodies)).sort()).toEqual(names.filter((name) => !deleted.has(name)).sort());
      expect(deleted.size).toBeGreaterThan(0);
    });

    opened("an address ends with the name, which tells whose the body is", async ({ bodies }) => {
      const name = newName();
      const uri = bodies.uriOf(name);
      expect(URL.canParse(uri)).toBe(true);
      expect(bodyNameOf(uri)).toBe(name);
      expect(ownerOf(name)?.taskId).toMatch(/^line-count\.\d+t$/);
    });

    opened("it answers a ping and says where it is", async ({ bodies }) => {
      await bodies.ping();
      const { kind: described, address, durability } = bodies.describe();
      expect(described).toBe(kind);
      expect(address).not.toBe("");
      expect(durability).not.toBe("");
    });
  });
}
