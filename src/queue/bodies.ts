/**
 * The contract of a body store: a place beside the queue's store for payloads too large to stand in it. A body has a name of
 * its own, is written once and never changed. `bodies/` implements it and `tests/contract/bodies.ts` is its exact meaning.
 *
 * What a body store throws: STORE_FULL where it has no room, STORE_UNAVAILABLE where it cannot be reached or fails.
 */
import { rolePattern } from "../core/ids.ts";

export interface BodyStoreDescription {
  readonly kind: "directory" | "redis" | "s3";
  /** Where it is, without credentials. */
  readonly address: string;
  /** What a body that was put is safe from, in a sentence. */
  readonly durability: string;
}

export interface BodyPage {
  readonly names: readonly string[];
  /** Where the next page begins; undefined: there is none. */
  readonly cursor?: string;
}

export interface BodyStore {
  describe(): BodyStoreDescription;
  /** The address of a body, for BlobRef. Its last segment is the name. */
  uriOf(name: string): string;
  /** Answers whether bodies can be read and listed. */
  ping(): Promise<void>;
  /** Resolves when the body is as safe as {@link BodyStoreDescription.durability} says; a reader sees all of it or nothing. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Undefined where there is no such body. */
  get(name: string): Promise<Buffer | undefined>;
  /** Names that are not there are passed over. */
  delete(names: readonly string[]): Promise<void>;
  /** About `limit` names, in the store's own order. Bodies that are put meanwhile may be missing. */
  list(options: { readonly limit: number; readonly cursor?: string }): Promise<BodyPage>;
  close(): Promise<void>;
}

const nameCharacters = /^[a-z0-9][A-Za-z0-9._-]{0,199}$/;

/** Whether a body may have this name in every back end: no separator, no hidden file. */
export function isBodyName(name: string): boolean {
  return nameCharacters.test(name);
}

/** The name that a reference's address ends with, or undefined where that is none. */
export function bodyNameOf(uri: string): string | undefined {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  return isBodyName(name) ? name : undefined;
}

/** Whose body it is: a task's input, its output, or what a suspension left. */
export interface BodyOwner {
  readonly taskId: string;
  readonly kind: "input" | "output" | "state";
}

/** `unique` is made by uniqueId, and so tells when: no two bodies share a name, and none is ever written over. */
export function bodyName({ taskId, kind }: BodyOwner, unique: string): string {
  return `${taskId}.${kind}.${unique}`;
}

const ownedName = new RegExp(
  `^(${rolePattern.source.slice(1, -1)}\\.[0-9a-z]{1,64})\\.(?:input|output|state)\\.([0-9a-z]{21})(?:\\.part)?$`,
);

/** The task that a body was written for, and the id that tells when; undefined: the mesh did not write it. */
export function ownerOf(name: string): { readonly taskId: string; readonly unique: string } | undefined {
  const [, taskId, unique] = ownedName.exec(name) ?? [];
  return taskId === undefined || unique === undefined ? undefined : { taskId, unique };
}
