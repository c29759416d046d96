/**
 * Payloads as bytes, the very bytes that the generated code makes, without the half a dozen objects which that makes for each
 * member of a JSON object on the way: they are most of what it costs to encode a task.
 */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import type { Encoder } from "./encode.ts";

/** Fields and how they are written, as they stand before each: in Payload … */
const payloadTags = { json: 10, contentType: 34 } as const;
/** … and in the messages of google/protobuf/struct.proto. */
const structTags = { fields: 10 } as const;
const entryTags = { key: 10, value: 18 } as const;
const valueTags = { null: 8, number: 17, string: 26, bool: 32, struct: 42, list: 50 } as const;
const listTags = { values: 10 } as const;

export const payloadEncoder: Encoder<Payload> = {
  encode(payload, writer) {
    const { body, contentType } = payload;
    if (body?.$case !== "json") return Payload.encode(payload, writer);
    writeStruct(body.value ?? {}, writer.uint32(payloadTags.json).fork()).join();
    return contentType === "" ? writer : writer.uint32(payloadTags.contentType).string(contentType);
  },
};

function writeStruct(object: Readonly<Record<string, unknown>>, writer: BinaryWriter): BinaryWriter {
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    writer.uint32(structTags.fields).fork();
    if (key !== "") writer.uint32(entryTags.key).string(key);
    writeValue(value, writer.uint32(entryTags.value).fork()).join();
    writer.join();
  }
  return writer;
}

function writeList(values: readonly unknown[], writer: BinaryWriter): BinaryWriter {
  for (const value of values) writeValue(value, writer.uint32(listTags.values).fork()).join();
  return writer;
}

/** Throws for what is no JSON; a gap in a list is a value of no kind. */
function writeValue(value: unknown, writer: BinaryWriter): BinaryWriter {
  switch (typeof value) {
    case "string":
      return writer.uint32(valueTags.string).string(value);
    case "number":
      return writer.uint32(valueTags.number).double(value);
    case "boolean":
      return writer.uint32(valueTags.bool).bool(value);
    case "undefined":
      return writer;
    case "object":
      if (value === null) return writer.uint32(valueTags.null).int32(0);
      return Array.isArray(value)
        ? writeList(value, writer.uint32(valueTags.list).fork()).join()
        : writeStruct(value as Record<string, unknown>, writer.uint32(valueTags.struct).fork()).join();
    default:
      throw new TypeError(`a ${typeof value} is no JSON`);
  }
}
