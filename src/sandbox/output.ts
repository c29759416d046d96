/** A command's output as it comes: whole lines to a listener, a bounded copy of each stream kept. */
import { StringDecoder } from "node:string_decoder";
import { fixedLimits } from "./limits.ts";
import type { OutputStream } from "./sandbox.ts";

/** Cuts a stream of bytes into lines; holds at most one line of `charactersMax`, whatever comes. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  readonly #charactersMax: number;
  #partial = "";
  #dropped = 0;

  constructor(onLine: (line: string) => void, charactersMax: number = fixedLimits.lineCharactersMax) {
    this.#onLine = onLine;
    this.#charactersMax = charactersMax;
  }

  push(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk));
  }

  /** Hands over a last line that has no line end. */
  end(): void {
    this.#take(this.#decoder.end());
    if (this.#partial || this.#dropped) this.#finish();
  }

  #take(text: string): void {
    const pieces = text.split("\n");
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) this.#finish();
      const room = this.#charactersMax - this.#partial.length;
      this.#partial += piece.slice(0, room);
      this.#dropped += Math.max(0, piece.length - room);
    }
  }

  #finish(): void {
    const line = this.#partial.endsWith("\r") ? this.#partial.slice(0, -1) : this.#partial;
    const dropped = this.#dropped;
    this.#partial = "";
    this.#dropped = 0;
    this.#onLine(dropped > 0 ? `${line}… (${dropped} more characters)` : line);
  }
}

/** Both streams of one command under one budget of bytes; what is over it is neither kept nor passed on. */
export class BoundedOutput {
  readonly #kept: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  readonly #splitters: Record<OutputStream, LineSplitter>;
  #room: number;
  truncated = false;

  constructor(bytesMax: number, onLine: (line: string, stream: OutputStream) => void) {
    this.#room = bytesMax;
    this.#splitters = {
      stdout: new LineSplitter((line) => onLine(line, "stdout")),
      stderr: new LineSplitter((line) => onLine(line, "stderr")),
    };
  }

  push(stream: OutputStream, chunk: Buffer): void {
    const part = chunk.subarray(0, this.#room);
    if (part.length < chunk.length) this.truncated = true;
    if (part.length === 0) return;
    this.#room -= part.length;
    this.#kept[stream].push(part);
    this.#splitters[stream].push(part);
  }

  end(): void {
    this.#splitters.stdout.end();
    this.#splitters.stderr.end();
  }

  text(stream: OutputStream): string {
    return Buffer.concat(this.#kept[stream]).toString("utf8");
  }
}
