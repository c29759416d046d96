/** The environment of a command: what a toolchain needs and nothing else, so that no secret of the host comes along; pure. */
import { dirname } from "node:path";

/** Variables of the host that a command sees: where tools are, and the language. Every other one stays outside. */
export const passedVariables: readonly string[] = [
  "PATH",
  ...["LANG", "LC_ALL", "LC_CTYPE", "TZ"],
  ...["PYENV_ROOT", "PYENV_VERSION", "NVM_DIR", "VOLTA_HOME", "ASDF_DIR", "ASDF_DATA_DIR"],
  ...["GOROOT", "GOMODCACHE", "JAVA_HOME", "RUSTUP_HOME", "CONDA_PREFIX", "PYTHONUSERBASE", "NIX_PROFILES"],
];

export interface EnvironmentFacts {
  /** The host's values of {@link passedVariables}. */
  readonly host: Readonly<Record<string, string>>;
  /** The Node that runs us: its directory comes first on PATH. */
  readonly execPath: string;
  /** The directory that the command has as its home, and for scratch files. */
  readonly scratch: string;
  readonly added?: Readonly<Record<string, string>>;
}

export function commandEnvironment(facts: EnvironmentFacts): Record<string, string> {
  return {
    LANG: "C.UTF-8",
    ...facts.host,
    PATH: commandPath(facts.host.PATH, facts.execPath).join(":"),
    HOME: facts.scratch,
    TMPDIR: facts.scratch,
    CI: "true",
    TERM: "dumb",
    NO_COLOR: "1",
    // Tools that ask the network for news would wait for an answer that cannot come.
    npm_config_update_notifier: "false",
    npm_config_offline: "true",
    GOPROXY: "off",
    GOTOOLCHAIN: "local",
    PIP_NO_INDEX: "1",
    ...facts.added,
  };
}

/** PATH with our Node first and without the bin directories of packages: our own tools are not the repository's. */
export function commandPath(path: string | undefined, execPath: string): string[] {
  const directories = (path ?? "/usr/local/bin:/usr/bin:/bin").split(":");
  const kept = directories.filter(
    (directory) => directory.startsWith("/") && !directory.endsWith("/node_modules/.bin"),
  );
  return [...new Set([dirname(execPath), ...kept])];
}
