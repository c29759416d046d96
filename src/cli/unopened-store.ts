/** A store that did not open: nothing was called yet, so the way out is another than for a call whose outcome is unknown. */
import { MeshError } from "../core/errors.ts";

export class UnopenedStore extends MeshError {
  readonly wayOut: string;

  constructor(error: MeshError) {
    super(error.reason, error.message, { metadata: error.metadata, cause: error });
    const { address = "the address" } = error.metadata;
    this.wayOut = wayOutOf(error.message, address);
  }
}

const orEmbedded = "or leave --store out for the embedded store.";

function wayOutOf(message: string, address: string): string {
  if (/\b(NOAUTH|WRONGPASS)\b/.test(message))
    return `Give --store the user and the password: redis://USER:PASSWORD@HOST:PORT; ${orEmbedded}`;
  if (message.includes("DB index"))
    return `Name a database that Redis has (0 to 15 by default), ${orEmbedded}`;
  return `Check that Redis runs at ${address}, ${orEmbedded}`;
}
