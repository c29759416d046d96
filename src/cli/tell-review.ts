/** A finished review: its files written, its summary and their place printed. */
import { basename, relative } from "node:path";
import { columnsOf, err, note, out, print } from "./output.ts";
import { type Review, ranUncontained, writeReview } from "./report-files.ts";
import { reviewSummary } from "./review-summary.ts";

export function tellReview(review: Review, directory: string): void {
  const files = writeReview(directory, review);
  print(`\n${reviewSummary(review.report, { colors: out, columns: columnsOf(process.stdout) })}\n`);
  print(`  Report in ${out.bold(shownPath(directory))}`);
  for (const file of files) print(`    ${basename(file).padEnd(15)} ${out.dim(kindOf(file))}`);
  if (!ranUncontained(review)) return;
  note(
    `\n${err.yellow("warning:")} the tests ran without walls: bubblewrap does not work on this machine. ` +
      "`agentmesh doctor` says why.",
  );
}

function kindOf(file: string): string {
  if (file.endsWith(".md")) return "for people";
  return file.endsWith(".sarif") ? "for editors and code hosts" : "for programs";
}

/** The shorter of the path from here and the whole one. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") || short === "" ? path : short;
}
