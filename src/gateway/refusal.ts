/** Answers of the edge itself: what it says where no method is reached, in the words of the protocol that was spoken. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  endStreamFlag,
  errorToJson,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";

/** Answers with an error. `status`: HTTP's, where the error's own would say less. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: ConnectError,
  status = codeToHttpStatus(error.code),
): void {
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("application/connect+")) refuseStream(response, type, error);
  else if (type.startsWith("application/grpc-web")) refuseGrpcWeb(response, type, error);
  else send(response, status, "application/json", Buffer.from(errorToJsonBytes(error, undefined)));
}

/** A stream of Connect is always answered with 200; its last envelope says how it ended. */
function refuseStream(response: ServerResponse, type: string, error: ConnectError): void {
  const end = JSON.stringify({ error: errorToJson(error, undefined) });
  send(response, 200, type, Buffer.from(encodeEnvelope(endStreamFlag, new TextEncoder().encode(end))));
}

function refuseGrpcWeb(response: ServerResponse, type: string, error: ConnectError): void {
  response.setHeader("grpc-status", error.code);
  response.setHeader("grpc-message", encodeURIComponent(error.rawMessage));
  send(response, 200, type, Buffer.alloc(0));
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { "content-type": type, "content-length": body.byteLength });
  response.end(body);
}
