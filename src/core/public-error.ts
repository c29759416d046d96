/** What a server may tell of an error: the rule that every transport shares. */
import { type FieldViolation, MeshError } from "./errors.ts";

/**
 * Errors travel in HTTP/2 trailers, which many gRPC clients cap at 8 KiB in all, and the message stands there twice. An
 * error over that never arrives: the caller would see a broken stream in its place.
 */
const messageCharactersMax = 1_500;
const fieldsCharactersMax = 2_000;
const metadataCharactersMax = 500;

/**
 * The error as a caller may see it. INTERNAL keeps its message, its fields and its cause to itself: the server's log has them.
 * Texts are cut to what a trailer carries, and are well-formed: a half of a surrogate pair cannot be encoded.
 */
export function publicError(error: MeshError): MeshError {
  if (error.reason === "INTERNAL")
    return new MeshError("INTERNAL", "internal error; the server's log has the cause");
  const fields = fitting(error.fields);
  const metadata = Object.fromEntries(
    Object.entries(error.metadata).map(([key, value]) => [key, cut(value, metadataCharactersMax)]),
  );
  const omitted = error.fields.length - fields.length;
  if (omitted > 0) metadata.fields_omitted = String(omitted);
  return new MeshError(error.reason, cut(error.message, messageCharactersMax), { fields, metadata });
}

function fitting(fields: readonly FieldViolation[]): FieldViolation[] {
  const fit: FieldViolation[] = [];
  let room = fieldsCharactersMax;
  for (const { field, description } of fields) {
    const violation = {
      field: cut(field, fieldsCharactersMax / 4),
      description: cut(description, fieldsCharactersMax / 2),
    };
    room -= violation.field.length + violation.description.length;
    if (room < 0) break;
    fit.push(violation);
  }
  return fit;
}

function cut(text: string, charactersMax: number): string {
  const short = text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
  return short.toWellFormed();
}
