import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { ErrorInfo } from "../../gen/grpc/google/rpc/error_details.ts";
import { Status } from "../../gen/grpc/google/rpc/status.ts";
import { MeshError } from "../../src/core/errors.ts";
import { type Reason, reasons } from "../../src/core/reasons.ts";
import { fromServiceError, toStatus } from "../../src/rpc/status.ts";
import { errorOf } from "../support/mesh.ts";
import { serveTasks } from "./kit.ts";

const told = (Object.keys(reasons) as Reason[]).filter((reason) => reason !== "INTERNAL");
const text = fc.string({ unit: "grapheme", maxLength: 60 });

const anyError = fc
  .record({
    reason: fc.constantFrom(...told),
    message: text,
    fields: fc.array(fc.record({ field: text, description: text }), { maxLength: 8 }),
    metadata: fc.dictionary(fc.stringMatching(/^[a-z][a-zA-Z_.-]{0,19}$/), text, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  })
  .map(({ reason, message, ...options }) => new MeshError(reason, message, options));

function facts({ reason, code, message, fields, metadata }: MeshError): object {
  return { reason, code, message, fields: [...fields], metadata: { ...metadata } };
}

/** A server's answer as grpc-js hands it to a client. */
function received(error: MeshError): ServiceError {
  const answer = toStatus(error);
  return Object.assign(new Error(answer.details), answer);
}

function bare(code: status, details = "", metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe("an error", () => {
  test("is the same after its way over the wire, whatever its reason", () => {
    fc.assert(
      fc.property(anyError, (error) => {
        expect(facts(fromServiceError(received(error), "here:1"))).toEqual(facts(error));
      }),
    );
  });

  test("is the same after its way over a real connection", async () => {
    let thrown = new MeshError("INTERNAL", "");
    const { connection } = await serveTasks({
      getTask: async () => {
        throw thrown;
      },
    });
    const call = () => connection.unary(TaskServiceService.getTask, { taskId: "" }, { timeoutMs: 5_000 });
    const ours = told.map((reason) => new MeshError(reason, `${reason}: ünïcode\n100%`));
    for (const error of [...ours, ...fc.sample(anyError, 100)]) {
      thrown = error;
      expect(facts(await errorOf(call()))).toEqual(facts(error));
    }
  });

  test("INTERNAL keeps its message, its fields and its metadata to itself", () => {
    const error = new MeshError("INTERNAL", "postgres://user:hunter2@db", {
      fields: [{ field: "hunter2", description: "hunter2" }],
      metadata: { password: "hunter2" },
      cause: new Error("hunter2"),
    });
    const answer = toStatus(error);
    expect(JSON.stringify(answer) + JSON.stringify(answer.metadata?.toJSON())).not.toContain("hunter2");
    const packed = answer.metadata?.get("grpc-status-details-bin")[0] as Buffer;
    expect(packed.toString("latin1")).not.toContain("hunter2");
  });

  test("that is cut in the middle of a character can be encoded", async () => {
    const half = "😀".slice(0, 1);
    const { connection } = await serveTasks({
      getTask: async () => {
        throw new MeshError("INVALID_FIELD", `cut: ${half}`);
      },
      watchTask() {
        throw new MeshError("INVALID_FIELD", `cut: ${half}`);
      },
    });
    const options = { timeoutMs: 5_000 };
    const unary = await errorOf(connection.unary(TaskServiceService.getTask, { taskId: "" }, options));
    expect(unary.message).toBe("cut: \uFFFD");
    const stream = connection.serverStream(
      TaskServiceService.watchTask,
      { taskId: "", fromSequence: 0 },
      options,
    );
    expect((await errorOf(stream.next())).message).toBe("cut: \uFFFD");
  });

  test("of a thousand fields arrives, with those that a trailer has room for", async () => {
    const fields = Array.from({ length: 1_000 }, (_, index) => ({
      field: `spec.nodes["node-${index}"]`,
      description: "is not known; the known ones are a, b and c".repeat(3),
    }));
    const { connection } = await serveTasks({
      getTask: async () => {
        throw MeshError.invalid(fields);
      },
    });
    const error = await errorOf(
      connection.unary(TaskServiceService.getTask, { taskId: "" }, { timeoutMs: 5_000 }),
    );
    expect(error.reason).toBe("INVALID_FIELD");
    expect(error.fields[0]).toEqual(fields[0]);
    expect(error.fields.length + Number(error.metadata.fields_omitted)).toBe(1_000);
    expect(error.message.length).toBeLessThan(2_000);
    const answer = toStatus(MeshError.invalid(fields));
    const packed = answer.metadata?.get("grpc-status-details-bin")[0] as Buffer;
    expect((packed.length * 4) / 3 + answer.details.length).toBeLessThan(8_192);
  });
});

describe("an answer that is not the mesh's", () => {
  test.each([
    ["UNAVAILABLE", "SERVER_UNREACHABLE"],
    ["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"],
    ["CANCELLED", "CALL_CANCELED"],
    ["RESOURCE_EXHAUSTED", "PAYLOAD_TOO_LARGE"],
    ["UNIMPLEMENTED", "NOT_YET_SUPPORTED"],
    ["PERMISSION_DENIED", "INTERNAL"],
  ] as const)("%s becomes %s", (code, reason) => {
    expect(fromServiceError(bare(status[code], "said so"), "here:1").reason).toBe(reason);
  });

  test("names the address that nobody answers at", () => {
    expect(fromServiceError(bare(status.UNAVAILABLE), "here:1").message).toContain("here:1");
  });

  test("with details that cannot be read still has its code", () => {
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x0f, 0x01]));
    expect(fromServiceError(bare(status.UNAVAILABLE, "", metadata), "here:1").reason).toBe(
      "SERVER_UNREACHABLE",
    );
  });

  test.each(["FROM_THE_FUTURE", "toString", "__proto__"])("with the reason %s has its code's", (reason) => {
    const info = ErrorInfo.encode({ reason, domain: "agentmesh", metadata: {} }).finish();
    const details = [{ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: Buffer.from(info) }];
    const metadata = new Metadata();
    const packed = Status.encode({ code: status.UNAVAILABLE, message: "", details }).finish();
    metadata.set("grpc-status-details-bin", Buffer.from(packed));
    expect(fromServiceError(bare(status.UNAVAILABLE, "", metadata), "here:1").reason).toBe(
      "SERVER_UNREACHABLE",
    );
  });
});

test("a store that is away is told once: other replicas have the same one, and would wait for it as long", () => {
  const pushback = (error: MeshError) => toStatus(error).metadata.get("grpc-retry-pushback-ms");
  expect(pushback(new MeshError("STORE_UNAVAILABLE", "away"))).toEqual(["-1"]);
  expect(pushback(new MeshError("SERVER_DRAINING", "going"))).toEqual([]);
});
