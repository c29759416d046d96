/** A Redis client that does nothing but Redis's protocol: for the floors, and for reading INFO beside the contenders. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type Reply = string | number | null | readonly Reply[];

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** A reply and the place behind it; undefined where it is not whole yet. An Error is Redis's own. */
type Parsed = { readonly reply: Reply | Error; readonly next: number } | undefined;

export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#hear(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("Redis closed the connection")));
  }

  static async connect(port: number): Promise<RespClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new RespClient(socket);
  }

  /** Arguments are one byte a character. Replies come in order; calls may be sent without waiting. */
  call(...args: readonly (string | number)[]): Promise<Reply> {
    let request = `*${args.length}\r\n`;
    for (const arg of args) {
      const text = String(arg);
      request += `$${text.length}\r\n${text}\r\n`;
    }
    this.#socket.write(request, "latin1");
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let parsed = parse(bytes, at); parsed !== undefined; parsed = parse(bytes, at)) {
      at = parsed.next;
      const waiting = this.#waiting.shift();
      if (parsed.reply instanceof Error) waiting?.reject(parsed.reply);
      else waiting?.resolve(parsed.reply);
    }
    this.#rest = bytes.subarray(at);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** One reply of RESP2 that begins at `at`. Pure. */
export function parse(bytes: Buffer, at: number): Parsed {
  const end = bytes.indexOf("\r\n", at);
  if (end < 0) return undefined;
  const line = bytes.toString("latin1", at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[at] as number)) {
    case ":":
      return { reply: Number(line), next };
    case "-":
      return { reply: new Error(line), next };
    case "$":
      return parseBulk(bytes, next, Number(line));
    case "*":
      return parseArray(bytes, next, Number(line));
    default:
      return { reply: line, next };
  }
}

function parseBulk(bytes: Buffer, at: number, length: number): Parsed {
  if (length < 0) return { reply: null, next: at };
  if (bytes.length < at + length + 2) return undefined;
  return { reply: bytes.toString("latin1", at, at + length), next: at + length + 2 };
}

function parseArray(bytes: Buffer, at: number, length: number): Parsed {
  const replies: Reply[] = [];
  let next = at;
  while (replies.length < length) {
    const parsed = parse(bytes, next);
    if (parsed === undefined) return undefined;
    // An error within a reply does not come of what the benchmarks send.
    replies.push(parsed.reply as Reply);
    next = parsed.next;
  }
  return { reply: replies, next };
}
