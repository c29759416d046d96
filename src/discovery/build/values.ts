/** Values as Envoy's API has them. */

export interface ProtoDuration {
  readonly seconds: string;
  readonly nanos: number;
}

export function durationOf(ms: number): ProtoDuration {
  const seconds = Math.floor(ms / 1_000);
  return { seconds: String(seconds), nanos: Math.round((ms - seconds * 1_000) * 1_000_000) };
}

/** A wrapped number: set even where it is 0. */
export function wrapped(value: number): { readonly value: number } {
  return { value };
}

const million = 1_000_000;

export function fractionOf(percent: number): { readonly numerator: number; readonly denominator: "MILLION" } {
  return { numerator: Math.round((percent * million) / 100), denominator: "MILLION" };
}

const typePrefix = "type.googleapis.com/";

/** A message within an Any. */
export function anyOf(type: string, fields: object = {}): object {
  return { "@type": `${typePrefix}${type}`, ...fields };
}
