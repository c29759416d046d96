/** Credentials in files, by secretlint's recommended rules. */
import { lintSource } from "@secretlint/core";
import { secretLintProfiler } from "@secretlint/profiler";
import { rules as recommended } from "@secretlint/secretlint-rule-preset-recommend";
import type { RawFinding, Severity } from "../finding.ts";
import { extensionOf } from "../kinds.ts";
import { limits } from "../limits.ts";
import type { SkippedFile } from "../report.ts";
import { type RepositoryFile, readText } from "../repository-files.ts";
import { rules } from "../rules.ts";
import type { Scanner } from "./scanner.ts";

// Secretlint times every rule on every file and searches all earlier times for each: 1,000 files take 5 s, and 0.1 s
// without it. Nothing here reads the times.
secretLintProfiler.mark = () => {};

const prefix = "@secretlint/secretlint-rule-";

/** A comment in the repository must not silence a scan of it; `exclude` is the way to leave a file out. */
const silencer = `${prefix}filter-comments`;

/** One by one, not as the preset, which heeds no word on switching one of its rules off. */
const config = {
  rules: recommended.filter((rule) => rule.meta.id !== silencer).map((rule) => ({ id: rule.meta.id, rule })),
};

export const secrets: Scanner = {
  name: "secrets",
  reads: (file) => file.bytes <= limits.fileBytesMax,
  async scan(files, onFile) {
    const findings: RawFinding[] = [];
    const skipped: SkippedFile[] = [];
    for (const file of files) {
      const text = readText(file.absolutePath);
      if (text === undefined) skipped.push({ file: file.path, reason: "cannot be read" });
      else findings.push(...(await lint(file, text)));
      onFile();
    }
    return { findings, skipped };
  },
};

async function lint(file: RepositoryFile, text: string): Promise<RawFinding[]> {
  // The relative path tells .npmrc and package.json apart; a rule that tried to open it would find nothing.
  const source = {
    filePath: file.path,
    ext: `.${extensionOf(file.path)}`,
    content: text,
    contentType: "text" as const,
  };
  const { messages } = await lintSource({
    source,
    options: { config, maskSecrets: true, noPhysicFilePath: true },
  });
  return messages.map((message) => {
    const secret = text.slice(...message.range);
    const known = `secrets/${message.ruleId.replace(prefix, "")}`;
    const rule = Object.hasOwn(rules, known) ? known : "secrets/other";
    const severity = severityOf(rule, secret, file.ignored);
    return {
      rule,
      file: file.path,
      line: message.loc.start.line,
      column: message.loc.start.column + 1,
      message: describe(message.message, secret, file.ignored),
      ...(severity ? { severity } : {}),
    };
  });
}

/** Secretlint's words without any of the secret: its length and its place are enough to find it. */
function describe(message: string, secret: string, ignored: boolean): string {
  const words = message
    .replaceAll(secret, "")
    .replace(/\(?\*{2,}\)?/g, "")
    .replace(/^found /i, "")
    .replace(/[:\s]+$/, "");
  const where = ignored ? "; .gitignore keeps this file out of the repository" : "";
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} (${secret.length} characters, not shown)${where}`;
}

const localHosts = new Set([
  "localhost",
  "127.0.0.1",
  "[::1]",
  "host.docker.internal",
  "example.com",
  "example.org",
]);

/** An address that ends at this machine, or at a name reserved for examples. */
function isLocal(address: string): boolean {
  return localHosts.has(URL.parse(address)?.hostname ?? "");
}

/** Lower than the rule's where the secret is not in the repository, or opens nothing but the developer's own machine. */
function severityOf(rule: string, secret: string, ignored: boolean): Severity | undefined {
  const inAddress = rule === "secrets/basicauth" || rule === "secrets/database-connection-string";
  return ignored || (inAddress && isLocal(secret)) ? "low" : undefined;
}
