/**
 * What a contained command cannot see though it may read the rest of the file system; pure.
 *
 * Reading is open outside these paths, since toolchains live anywhere; the homes of people are hidden, since keys and
 * tokens live there, and so is /run, since a socket in it (Docker's) would be a way out. A toolchain that lives in a home
 * (pyenv, nvm, a Go module cache) is shown again, read-only, by the table below and by PATH.
 */
import { dirname, join } from "node:path";

/** Directories shown empty. */
const hiddenDirectories = [
  "/root",
  "/home",
  "/run",
  "/var/run",
  "/var/tmp",
  "/etc/ssh",
  "/etc/kubernetes",
  "/var/lib/kubelet",
];

/** Another directory inside, empty and writable: what is shown below it is mounted there. */
export const scratchDirectory = "/tmp";

/** Files shown empty. */
const hiddenFiles = ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"];

/** Where toolchains live in a home: programs and installed packages, no settings and no credentials. */
const homeToolchains = [
  ...[".pyenv", ".rbenv", ".nvm", ".asdf", ".rustup", ".volta/bin", ".volta/tools", ".sdkman/candidates"],
  ...[".local/bin", ".local/lib", ".local/share/fnm", ".local/share/mise", ".local/share/uv/python"],
  ...[".cargo/bin", ".cargo/registry", ".bun/bin", ".deno/bin", ".m2/repository"],
  ...["go/bin", "go/pkg/mod", "miniconda3", "anaconda3", "miniforge3"],
];

/** Where NixOS keeps its programs; links into the store, no secrets. */
const runToolchains = ["/run/current-system", "/run/opengl-driver"];

export interface WallFacts {
  /** The home of the user that we run as. */
  readonly home: string;
  readonly path: readonly string[];
  readonly execPath: string;
  /** Further directories to hide, such as the mesh's own data. */
  readonly hide: readonly string[];
  /** Whether a path exists and is no symbolic link: only such a one can be mounted over. */
  readonly exists: (path: string) => boolean;
}

export interface Walls {
  readonly emptyDirectories: readonly string[];
  readonly emptyFiles: readonly string[];
  /** Directories below the empty ones, and below {@link scratchDirectory}, that are shown all the same, outermost first. */
  readonly shown: readonly string[];
}

export function wallsFor(facts: WallFacts): Walls {
  const emptyDirectories = outermost(
    [...hiddenDirectories, facts.home, ...facts.hide].filter((path) => path !== "/" && facts.exists(path)),
  );
  const candidates = [
    ...homeToolchains.map((path) => join(facts.home, path)),
    ...runToolchains,
    ...facts.path,
    dirname(facts.execPath),
  ];
  return {
    emptyDirectories,
    emptyFiles: hiddenFiles.filter(facts.exists),
    shown: outermost(
      candidates.filter(
        (path) =>
          [...emptyDirectories, scratchDirectory].some((hidden) => isBelow(path, hidden)) &&
          !isHome(path, facts.home) &&
          facts.exists(path),
      ),
    ).filter((path) => !facts.hide.some((hidden) => path === hidden || isBelow(path, hidden))),
  };
}

/** A PATH that names a whole home does not make it a toolchain. */
function isHome(path: string, home: string): boolean {
  return path === home || isBelow(home, path) || dirname(path) === "/home";
}

/** Whether a path lies somewhere below a directory. */
export function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

function outermost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)].sort();
  return unique.filter((path) => !unique.some((other) => isBelow(path, other)));
}
