/** What a file or directory is, by its name alone. */
import { limits } from "./limits.ts";

/** Written by tools, or other people's code: findings there cannot be mended in the repository. */
const skippedDirectories = new Set([
  "node_modules",
  "bower_components",
  "jspm_packages",
  "dist",
  "build",
  "out",
  "target",
  "coverage",
  ".next",
  ".nuxt",
  ".turbo",
  ".cache",
  ".venv",
  "venv",
  "__pycache__",
  ".tox",
  ".gradle",
  ".terraform",
]);

const versionControl = new Set([".git", ".hg", ".svn", ".jj"]);

const codeLanguages: Readonly<Record<string, string>> = {
  js: "JavaScript",
  mjs: "JavaScript",
  cjs: "JavaScript",
  jsx: "JavaScript",
  ts: "TypeScript",
  mts: "TypeScript",
  cts: "TypeScript",
  tsx: "TypeScript",
};

const languagesWithoutScanner: Readonly<Record<string, string>> = {
  py: "Python",
  go: "Go",
  rs: "Rust",
  java: "Java",
  kt: "Kotlin",
  scala: "Scala",
  rb: "Ruby",
  php: "PHP",
  cs: "C#",
  c: "C",
  h: "C",
  cc: "C++",
  cpp: "C++",
  hpp: "C++",
  swift: "Swift",
  sh: "Shell",
  bash: "Shell",
  sql: "SQL",
  lua: "Lua",
  ex: "Elixir",
  exs: "Elixir",
  vue: "Vue",
  svelte: "Svelte",
  tf: "Terraform",
};

/** Files that pin dependencies; those without a format are named in the report and not read. */
const lockfiles: Readonly<Record<string, "npm" | "pnpm" | "yarn" | undefined>> = {
  "package-lock.json": "npm",
  "npm-shrinkwrap.json": "npm",
  "pnpm-lock.yaml": "pnpm",
  "yarn.lock": "yarn",
  "bun.lock": undefined,
  "deno.lock": undefined,
  "poetry.lock": undefined,
  "uv.lock": undefined,
  "Pipfile.lock": undefined,
  "requirements.txt": undefined,
  "go.sum": undefined,
  "Cargo.lock": undefined,
  "Gemfile.lock": undefined,
  "composer.lock": undefined,
};

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** "" for the repository itself. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function extensionOf(path: string): string {
  const name = baseName(path);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

export function directoryKind(name: string): "version control" | "build or dependency directory" | undefined {
  if (versionControl.has(name)) return "version control";
  return skippedDirectories.has(name) ? "build or dependency directory" : undefined;
}

/** `.env`, `.env.local`, `prod.env`: where credentials are, whatever .gitignore says. */
export function isDotenv(name: string): boolean {
  return name.endsWith(".env") || name.startsWith(".env.");
}

export function isCode(path: string): boolean {
  return Object.hasOwn(codeLanguages, extensionOf(path)) && !path.endsWith(".d.ts");
}

export function lockfileFormat(path: string): "npm" | "pnpm" | "yarn" | undefined {
  const name = baseName(path);
  return Object.hasOwn(lockfiles, name) ? lockfiles[name] : undefined;
}

/** The language or lockfile of a file that no scanner reads; undefined where one does, or where there is nothing to read. */
export function unscannedKind(path: string): string | undefined {
  const name = baseName(path);
  if (Object.hasOwn(lockfiles, name)) return lockfiles[name] ? undefined : name;
  const extension = extensionOf(path);
  return Object.hasOwn(languagesWithoutScanner, extension) ? languagesWithoutScanner[extension] : undefined;
}

export function bytesMax(path: string): number {
  return lockfileFormat(path) ? limits.lockfileBytesMax : limits.fileBytesMax;
}
