/**
 * Payloads too large for the queue's store: their bodies go to the body store, and the task carries a BlobRef. Only what is
 * stored changes; whoever submits, works or reads has whole payloads.
 */
import { createHash } from "node:crypto";
import { type BlobRef, Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import type { Clock } from "../core/clock.ts";
import { MeshError } from "../core/errors.ts";
import { uniqueId } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { type BodyOwner, type BodyStore, bodyName, bodyNameOf } from "./bodies.ts";

/** The content type of a body that is an encoded Payload, as the mesh writes them: it comes back exactly as it was. */
export const payloadBodyType = "application/vnd.agentmesh.payload";

export interface OffloadOptions {
  readonly bodies: BodyStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Payloads of more bytes are offloaded; 0: none is, and those that were are still read. */
  readonly offloadBytes: number;
  /** Bytes of a payload that stands in the queue's store. */
  readonly payloadBytesMax: number;
  /** Bytes of a payload that is offloaded. */
  readonly bodyBytesMax: number;
}

export class Offload {
  readonly bodies: BodyStore;
  /** Bytes of the largest payload that is taken in. */
  readonly payloadBytesMax: number;
  readonly #options: OffloadOptions;
  /** Bytes of the largest payload that stays. */
  readonly #staysBytesMax: number;

  constructor(options: OffloadOptions) {
    const { bodies, offloadBytes, payloadBytesMax, bodyBytesMax } = options;
    this.bodies = bodies;
    this.#options = options;
    this.#staysBytesMax = offloadBytes === 0 ? payloadBytesMax : Math.min(offloadBytes, payloadBytesMax);
    const isOff = offloadBytes === 0;
    this.payloadBytesMax = isOff ? this.#staysBytesMax : Math.max(this.#staysBytesMax, bodyBytesMax);
  }

  /** Whether an encoded payload of so many bytes is kept elsewhere. */
  isOver(bytes: number): boolean {
    return this.#options.offloadBytes > 0 && bytes > this.#staysBytesMax;
  }

  /** Puts an encoded payload's bytes in the body store. The answer, encoded, stands for them. */
  async put(encoded: Uint8Array, owner: BodyOwner): Promise<Payload> {
    const { bodies, clock } = this.#options;
    const name = bodyName(owner, uniqueId(clock.now()));
    await bodies.put(name, encoded);
    const value = { uri: bodies.uriOf(name), sizeBytes: encoded.length, sha256: sha256Of(encoded) };
    return { body: { $case: "blob", value }, contentType: payloadBodyType };
  }

  /** Deletes bodies that no task came to carry. What cannot be deleted now the sweep finds. */
  async discard(references: readonly (Payload | undefined)[]): Promise<void> {
    const names = references.flatMap((reference) =>
      reference?.body?.$case === "blob" ? (bodyNameOf(reference.body.value.uri) ?? []) : [],
    );
    if (names.length === 0) return;
    await this.bodies.delete(names).catch((error) => {
      this.#options.log.debug({ bodies: names.length, error: String(error) }, "bodies are left to the sweep");
    });
  }

  /** The payload that a task carries, whole. Throws BODY_DAMAGED, STORE_UNAVAILABLE. */
  async read(payload: Payload): Promise<Payload> {
    const { body, contentType } = payload;
    if (body?.$case !== "blob") return payload;
    // By its name alone: the body store may have moved, with all that it holds.
    const name = bodyNameOf(body.value.uri);
    const bytes = name === undefined ? undefined : await this.bodies.get(name);
    const fault = bytes === undefined ? "is not there" : faultOf(body.value, bytes);
    if (bytes === undefined || fault !== undefined)
      throw new MeshError("BODY_DAMAGED", `the body ${body.value.uri} ${fault}`, {
        metadata: { uri: body.value.uri },
      });
    if (contentType !== payloadBodyType) return { body: { $case: "data", value: bytes }, contentType };
    return decoded(bytes, body.value);
  }

  /**
   * The payload that a caller gave, whole: one that refers to a body in this mesh's body store is read, any other reference is
   * refused. The task that it is for gets a copy of its own. Throws INVALID_FIELD with the field's name, STORE_UNAVAILABLE.
   */
  async readGiven(field: string, payload: Payload): Promise<Payload> {
    if (payload.body?.$case !== "blob") return payload;
    const { uri, sizeBytes } = payload.body.value;
    const name = bodyNameOf(uri);
    const refuse = (description: string) => MeshError.invalid([{ field: `${field}.blob`, description }]);
    if (name === undefined || this.bodies.uriOf(name) !== uri)
      throw refuse(
        `${uri.slice(0, 200)} is not in this mesh's body store (${this.bodies.describe().address})`,
      );
    if (sizeBytes > this.payloadBytesMax)
      throw refuse(`has ${sizeBytes} bytes; at most ${this.payloadBytesMax} are allowed`);
    try {
      return await this.read(payload);
    } catch (error) {
      const { reason, message } = MeshError.from(error);
      throw reason === "BODY_DAMAGED" ? refuse(message) : error;
    }
  }
}

function sha256Of(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** In what a body is not the one that the reference speaks of. */
function faultOf({ sizeBytes, sha256 }: BlobRef, bytes: Uint8Array): string | undefined {
  if (bytes.length !== sizeBytes) return `has ${bytes.length} bytes where ${sizeBytes} were stored`;
  if (!sha256Of(bytes).equals(sha256)) return "does not have the SHA-256 that it was stored with";
  return undefined;
}

function decoded(bytes: Uint8Array, { uri }: BlobRef): Payload {
  const refuse = (cause?: unknown) =>
    new MeshError("BODY_DAMAGED", `the body ${uri} is no payload`, { cause, metadata: { uri } });
  let payload: Payload;
  try {
    payload = Payload.decode(bytes);
  } catch (error) {
    throw refuse(error);
  }
  if (payload.body?.$case === "blob") throw refuse();
  return payload;
}
