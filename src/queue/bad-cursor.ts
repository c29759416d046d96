/** What both stores answer to a page token that they did not give. */
import { MeshError } from "../core/errors.ts";

export function badCursor(): MeshError {
  return MeshError.invalid([
    {
      field: "page_token",
      description: "is not a token that this mesh gave; leave it out for the first page",
    },
  ]);
}
