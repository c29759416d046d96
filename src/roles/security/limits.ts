/** How much one scan reads and reports: bounds that keep a hostile repository from filling memory or the store. */
export const limits = {
  /** Files looked at; the rest is left out and the report says so. */
  filesMax: 20_000,
  directoriesMax: 20_000,
  /** A larger file is skipped: sources written by hand are far smaller. */
  fileBytesMax: 1024 * 1024,
  /** Lockfiles grow with the tree of dependencies, and only the dependency scanner reads a large one. */
  lockfileBytesMax: 16 * 1024 * 1024,
  /** Findings in a report, and bytes of their JSON; SARIF says them again in about twice the room. */
  findingsMax: 500,
  findingsBytesMax: 250_000,
  /** Examples of skipped files for each reason. */
  examplesPerReason: 10,
  lockfilesListed: 50,
  /** Memory of the scanning thread. */
  threadHeapMiB: 1024,
} as const;
