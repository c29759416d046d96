import { exec } from "node:child_process";

/** Prints a label; the printer's name comes from the request. */
export function printLabel(printer, file, done) {
  exec("lp -d " + printer + " " + file, done);
}

/** The text of a label. */
export function labelText(parcel) {
  return [parcel.recipient, ...parcel.address, parcel.reference].join("\n");
}
