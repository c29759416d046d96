/**
 * Checks of a request's fields. Faults are gathered, so that a caller learns of all of them at once. A field that is in order
 * costs next to nothing: what names it is put together for a fault alone.
 */
import type { Duration } from "../../gen/grpc/google/protobuf/duration.ts";
import { type FieldViolation, MeshError } from "./errors.ts";
import { isEmpty } from "./is-empty.ts";
import { limits } from "./limits.ts";
import { durationToMs } from "./time.ts";

const controlCharacter = /\p{Cc}/u;

export class FieldCheck {
  readonly #base: string;
  readonly #violations: FieldViolation[] = [];

  /** `base`: the message whose fields are checked, such as `specs[3]`; default: the request itself. */
  constructor(base = "") {
    this.#base = base;
  }

  /** A field's whole path. */
  path(field: string): string {
    return this.#base === "" ? field : `${this.#base}.${field}`;
  }

  fault(field: string, description: string): void {
    this.#violations.push({ field: this.path(field), description });
  }

  /** Faults found elsewhere, with whole paths. */
  add(violations: readonly FieldViolation[]): void {
    this.#violations.push(...violations);
  }

  /** At most `bytesMax` bytes of UTF-8; not empty when `required`. */
  text(field: string, value: string, bytesMax: number, required = false): void {
    if (required && value === "") this.fault(field, "is required");
    else if (value.length * 3 > bytesMax && Buffer.byteLength(value) > bytesMax)
      this.fault(field, `has ${Buffer.byteLength(value)} bytes; at most ${bytesMax} are allowed`);
  }

  /** As {@link text}, and without control characters such as a line's end: for what people read in lists and logs. */
  line(field: string, value: string, bytesMax: number, required = false): void {
    this.text(field, value, bytesMax, required);
    if (value !== "" && controlCharacter.test(value)) this.fault(field, "has control characters");
  }

  /** At most {@link limits.labelsMax} labels; a name is not empty. */
  labels(field: string, labels: Readonly<Record<string, string>>): void {
    if (isEmpty(labels)) return;
    const entries = Object.entries(labels);
    if (entries.length > limits.labelsMax)
      this.fault(field, `has ${entries.length} labels; at most ${limits.labelsMax} are allowed`);
    for (const [name, value] of entries) {
      this.line(`${field} (a name)`, name, limits.labelBytesMax, true);
      this.line(`${field}["${name}"]`, value, limits.labelBytesMax);
    }
  }

  whole(field: string, value: number, min: number, max: number): void {
    if (!Number.isInteger(value) || value < min || value > max)
      this.fault(field, `is ${value}; it must be a whole number from ${min} to ${max}`);
  }

  /** The duration in milliseconds, or undefined where it is unset or at fault. */
  durationMs(field: string, value: Duration | undefined, minMs: number, maxMs: number): number | undefined {
    if (value === undefined) return undefined;
    const ms = durationToMs(value);
    if (ms >= minMs && ms <= maxMs) return ms;
    this.fault(field, `is ${ms / 1_000} s; it must be from ${minMs / 1_000} s to ${maxMs / 1_000} s`);
    return undefined;
  }

  get ok(): boolean {
    return this.#violations.length === 0;
  }

  /** Throws INVALID_ARGUMENT with every fault found. */
  done(): void {
    if (this.#violations.length > 0) throw MeshError.invalid(this.#violations);
  }
}
