/** Bodies as objects of a bucket of S3, or of what speaks its protocol; buckets are addressed by path. */
import { createHash } from "node:crypto";
import { AwsClient } from "aws4fetch";
import { XMLParser } from "fast-xml-parser";
import { MeshError } from "../../core/errors.ts";
import type { BodyPage, BodyStore, BodyStoreDescription } from "../bodies.ts";

export interface S3BodiesOptions {
  /** Such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Object names begin with it; empty, or ends with a slash. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** One request, its repetitions included. */
const timeoutMs = 20_000;
/** After 5xx, 429 and a broken connection; each waits twice as long as the last, from 50 ms. */
const repetitionsMax = 3;
const deletedAtOnce = 16;
/** Codes that say that there is no room, of S3 and of servers that speak it. */
const fullCodes = /^(QuotaExceeded|InsufficientStorage|EntityTooLarge|XMinioStorageFull|StorageFull)$/;

export function s3Bodies(options: S3BodiesOptions): BodyStore {
  return new S3Bodies(options);
}

class S3Bodies implements BodyStore {
  readonly #options: S3BodiesOptions;
  readonly #client: AwsClient;
  readonly #parser = new XMLParser({ isArray: (name) => name === "Contents", parseTagValue: false });

  constructor(options: S3BodiesOptions) {
    this.#options = options;
    const { accessKeyId, secretAccessKey, region } = options;
    this.#client = new AwsClient({
      accessKeyId,
      secretAccessKey,
      region,
      service: "s3",
      retries: repetitionsMax,
    });
  }

  describe(): BodyStoreDescription {
    const { bucket, prefix, endpoint } = this.#options;
    const durability = "a body is as safe as the bucket keeps its objects";
    return { kind: "s3", address: `s3://${bucket}/${prefix} at ${endpoint}`, durability };
  }

  uriOf(name: string): string {
    return `s3://${this.#options.bucket}/${this.#options.prefix}${name}`;
  }

  async ping(): Promise<void> {
    await this.list({ limit: 1 });
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    // With it the server checks what arrives.
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const body = bytes as Uint8Array<ArrayBuffer>;
    await this.#ok(await this.#send(this.#urlOf(name), { method: "PUT", body, sha256 }));
  }

  async get(name: string): Promise<Buffer | undefined> {
    const response = await this.#send(this.#urlOf(name), { method: "GET" });
    if (response.status === 404 && (await this.#codeOf(response.clone())) === "NoSuchKey") return undefined;
    await this.#ok(response);
    return Buffer.from(await this.#reading(response.arrayBuffer()));
  }

  async delete(names: readonly string[]): Promise<void> {
    for (let from = 0; from < names.length; from += deletedAtOnce)
      await Promise.all(names.slice(from, from + deletedAtOnce).map((name) => this.#deleteOne(name)));
  }

  /** A cursor is the whole name of the last object that was read. */
  async list({ limit, cursor }: { readonly limit: number; readonly cursor?: string }): Promise<BodyPage> {
    const { prefix } = this.#options;
    const query = new URLSearchParams({ "list-type": "2", prefix, "max-keys": String(limit) });
    if (cursor !== undefined) query.set("start-after", cursor);
    const response = await this.#ok(await this.#send(`${this.#bucketUrl}?${query}`, { method: "GET" }));
    const listed = this.#parser.parse(await this.#reading(response.text()))?.ListBucketResult;
    const keys = ((listed?.Contents ?? []) as { Key: string }[]).map(({ Key }) => Key);
    const names = keys.map((key) => key.slice(prefix.length));
    return { names, cursor: listed?.IsTruncated === "true" ? keys.at(-1) : undefined };
  }

  async close(): Promise<void> {}

  get #bucketUrl(): string {
    return `${this.#options.endpoint}/${this.#options.bucket}`;
  }

  #urlOf(name: string): string {
    return `${this.#bucketUrl}/${this.#options.prefix}${name}`;
  }

  async #deleteOne(name: string): Promise<void> {
    const response = await this.#send(this.#urlOf(name), { method: "DELETE" });
    if (response.status !== 404) await this.#ok(response);
  }

  async #send(
    url: string,
    {
      method,
      body,
      sha256,
    }: { readonly method: string; readonly body?: Uint8Array<ArrayBuffer>; readonly sha256?: string },
  ): Promise<Response> {
    const headers: Record<string, string> = sha256 === undefined ? {} : { "x-amz-content-sha256": sha256 };
    const signal = AbortSignal.timeout(timeoutMs);
    return this.#reading(this.#client.fetch(url, { method, body, headers, signal }));
  }

  async #reading<Value>(answer: Promise<Value>): Promise<Value> {
    try {
      return await answer;
    } catch (error) {
      const { cause, message } = error as Error;
      throw this.#unavailable((cause as Error | undefined)?.message || message, error);
    }
  }

  /** The response, where it tells of no error. */
  async #ok(response: Response): Promise<Response> {
    if (response.ok) return response;
    const code = await this.#codeOf(response);
    const why = `${response.status}${code === "" ? "" : ` ${code}`}`;
    if (response.status !== 507 && !fullCodes.test(code)) throw this.#unavailable(why);
    const { address } = this.describe();
    throw new MeshError("STORE_FULL", `${address} has no room for a body: ${why}`, { metadata: { address } });
  }

  async #codeOf(response: Response): Promise<string> {
    const text = await response.text().catch(() => "");
    try {
      return String(this.#parser.parse(text)?.Error?.Code ?? "");
    } catch {
      return "";
    }
  }

  #unavailable(why: string, cause?: unknown): MeshError {
    const { address } = this.describe();
    const message = `bodies in ${address} are not available: ${why}`;
    return new MeshError("STORE_UNAVAILABLE", message, { cause, metadata: { address } });
  }
}
