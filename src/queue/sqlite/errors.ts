/** SQLite's errors in the mesh's words. */
import { MeshError } from "../../core/errors.ts";

const codes = { busy: 5, ioError: 10, full: 13 } as const;
/** The write itself failed (the disk, or a limit on the file): nothing was stored. */
const ioErrorWrite = 778;

/** SQLite's extended result code, or 0 where the error is not SQLite's. */
function codeOf(thrown: unknown): number {
  if (!(thrown instanceof Error) || !("errcode" in thrown)) return 0;
  return typeof thrown.errcode === "number" ? thrown.errcode : 0;
}

export function isBusy(thrown: unknown): boolean {
  return (codeOf(thrown) & 255) === codes.busy;
}

/** Nothing was stored, and smaller writes may still find room. */
export function isFull(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return (code & 255) === codes.full || code === ioErrorWrite;
}

export function storeError(thrown: unknown, address: string): MeshError {
  const code = codeOf(thrown);
  if (isFull(thrown))
    return new MeshError("STORE_FULL", `the disk of ${address} has no room left; nothing was stored`, {
      cause: thrown,
    });
  if ((code & 255) === codes.ioError)
    return new MeshError("STORE_UNAVAILABLE", `the disk of ${address} fails (SQLite error ${code})`, {
      cause: thrown,
    });
  return MeshError.from(thrown);
}

export function closedError(address: string): MeshError {
  return new MeshError("STORE_UNAVAILABLE", `the store ${address} is closed`);
}
