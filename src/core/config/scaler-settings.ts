/** The rows of the table of settings for a scaler that KEDA reaches by TLS. */
import { optional, path, port, setting } from "./setting.ts";

export const scalerSettings = Object.freeze({
  "scaler.tlsPort": setting({
    kind: optional(port()),
    default: undefined,
    because: "in an ambient mesh connections are encrypted already, and the gRPC port serves the scaler",
    doc: "A port of its own on which KEDA's external scaler is served by TLS.",
    takenBy: ["server"],
  }),
  "scaler.tlsCert": setting({
    kind: optional(path()),
    default: undefined,
    because: "there is none without a port for it",
    doc: "The scaler's certificate, with those that signed it, in PEM; read again when it is renewed.",
    takenBy: ["server"],
  }),
  "scaler.tlsKey": setting({
    kind: optional(path()),
    default: undefined,
    because: "it comes with the certificate",
    doc: "The certificate's private key, in PEM.",
    takenBy: ["server"],
  }),
  "scaler.tlsClientCa": setting({
    kind: optional(path()),
    default: undefined,
    because: "a scaler tells numbers of tasks, no more; whoever may not know them is kept out by this",
    doc: "Who signs the certificates of those that may ask; unset: anybody may.",
    takenBy: ["server"],
  }),
});
