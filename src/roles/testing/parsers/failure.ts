/** What parsers have in common: a failure from its text, with the place that the text names; pure. */
import type { TestFailure } from "../report.ts";

/** A failure; the message defaults to the first line of the details. */
export function failureFrom(
  message: string | undefined,
  details: string | undefined,
  file?: string,
): TestFailure {
  const text = details?.trim() ?? "";
  const place = locate(`${message ?? ""}\n${text}`, file);
  return {
    message: message?.trim() || text.split("\n", 1)[0] || "failed",
    details: text || undefined,
    file: place?.file ?? file,
    line: place?.line,
  };
}

/** The first `path:line` of a stack or message that is the repository's own, the test's file before others. */
export function locate(text: string, file?: string): { file: string; line: number } | undefined {
  const places = [...text.matchAll(/(?:file:\/\/)?((?:\/|[\w.@-]+\/)*[\w.@+-]+\.[A-Za-z]\w{0,4}):(\d+)/g)]
    .map(([, path, line]) => ({ file: path!, line: Number(line) }))
    .filter((place) => !/node_modules\/|site-packages\/|\/lib\/python/.test(place.file));
  return places.find((place) => file !== undefined && sameFile(place.file, file)) ?? places[0];
}

function sameFile(one: string, other: string): boolean {
  return one === other || one.endsWith(`/${other}`) || other.endsWith(`/${one}`);
}
