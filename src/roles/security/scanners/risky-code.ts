/** Risky constructs in JavaScript and TypeScript, by ESLint's rules. */
import parser from "@babel/eslint-parser";
import { Linter } from "eslint/universal";
import regexp from "eslint-plugin-regexp";
import security from "eslint-plugin-security";
import type { RawFinding } from "../finding.ts";
import { extensionOf, isCode } from "../kinds.ts";
import { limits } from "../limits.ts";
import type { SkippedFile } from "../report.ts";
import { type RepositoryFile, readText } from "../repository-files.ts";
import { rules } from "../rules.ts";
import type { Scanner } from "./scanner.ts";

/** The Linter class, unlike ESLint's, never reads a configuration, and Babel is told not to: both may be programs. */
const linter = new Linter();

/** Each rule by its name in the table and ESLint's name for it, which has its plugin before it. */
const ruleNames = Object.keys(rules)
  .filter((id) => id.startsWith("code/"))
  .map((id) => id.slice("code/".length));

function eslintName(name: string): string {
  if (name.startsWith("detect-")) return `security/${name}`;
  return name in (regexp.rules ?? {}) ? `regexp/${name}` : name;
}
/** ESLint knows an implied eval by the global function that is called. */
const globals = {
  setTimeout: false,
  setInterval: false,
  setImmediate: false,
  window: false,
  globalThis: false,
  global: false,
} as const;

const syntaxes: Readonly<Record<string, readonly string[]>> = {
  js: ["jsx"],
  jsx: ["jsx"],
  mjs: ["jsx"],
  cjs: ["jsx"],
  ts: ["typescript"],
  mts: ["typescript"],
  cts: ["typescript"],
  tsx: ["typescript", "jsx"],
};

export const riskyCode: Scanner = {
  name: "code",
  reads: (file) => !file.ignored && file.bytes <= limits.fileBytesMax && isCode(file.path),
  async scan(files, onFile) {
    const findings: RawFinding[] = [];
    const skipped: SkippedFile[] = [];
    for (const file of files) {
      const outcome = lint(file);
      if ("findings" in outcome) findings.push(...outcome.findings);
      else skipped.push(outcome);
      onFile();
    }
    return { findings, skipped };
  },
};

function lint(file: RepositoryFile): { findings: RawFinding[] } | SkippedFile {
  const text = readText(file.absolutePath);
  if (text === undefined) return { file: file.path, reason: "cannot be read" };
  if (isMinified(text)) return { file: file.path, reason: "minified" };
  const asModule = verify(file.path, text, "module");
  // What strict mode refuses, such as `with`, is still a script; the first error is the one to tell otherwise.
  const messages =
    fatal(asModule) && !/\.(m[jt]s|tsx?)$/.test(file.path) ? verify(file.path, text, "script") : asModule;
  if (fatal(messages)) return { file: file.path, reason: "cannot be parsed", detail: fatal(asModule)! };
  return { findings: messages.flatMap((message) => toRaw(file.path, message)) };
}

function verify(path: string, text: string, sourceType: "module" | "script"): Linter.LintMessage[] {
  const extension = extensionOf(path);
  const plugins = [...(syntaxes[extension] ?? []), "decorators"];
  try {
    // The name is made up: a path may hold what ESLint's patterns would not match.
    return linter.verify(text, configure(plugins, sourceType), { filename: `file.${extension}` });
  } catch (error) {
    // A rule that stumbles over a syntax it does not know must not end the scan.
    const message = error instanceof Error ? error.message : String(error);
    return [{ ruleId: null, fatal: true, severity: 2, message, line: 1, column: 1 }];
  }
}

function configure(plugins: readonly string[], sourceType: "module" | "script"): Linter.Config[] {
  const babelOptions = {
    babelrc: false,
    configFile: false,
    browserslistConfigFile: false,
    parserOpts: { plugins, allowReturnOutsideFunction: true },
  };
  return [
    {
      files: ["**/*.{js,jsx,mjs,cjs,ts,tsx,mts,cts}"],
      plugins: { security, regexp },
      languageOptions: {
        parser,
        sourceType,
        globals,
        parserOptions: { requireConfigFile: false, babelOptions },
      },
      // A comment in the repository must not silence a scan of it.
      linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "off" },
      rules: Object.fromEntries(ruleNames.map((name) => [eslintName(name), "error" as const])),
    },
  ];
}

function toRaw(file: string, message: Linter.LintMessage): RawFinding[] {
  // Without a rule it is ESLint's remark on an inline comment; a bare require("child_process") alone says nothing.
  if (!message.ruleId || message.message.startsWith("Found require(")) return [];
  return [
    {
      rule: `code/${message.ruleId.replace(/^\w+\//, "")}`,
      file,
      line: Math.max(1, message.line),
      column: Math.max(1, message.column),
      message: message.message.replace(/ Using any string accepted by .*/, backtracking),
      // What grows as a power of the length stalls on long texts only; what grows exponentially, on a line.
      ...(/polynomial/.test(message.message) && !isExponential(message.message)
        ? { severity: "low" as const }
        : {}),
    },
  ];
}

/** ESLint tells at length how to exploit the expression; how fast that grows is what matters here. */
function backtracking(words: string): string {
  return isExponential(words) ? " Backtracking is exponential." : " Backtracking is polynomial.";
}

function isExponential(words: string): boolean {
  return words.includes("exponential");
}

/** The first line of a parse error: the lines after it quote the source. */
function fatal(messages: readonly Linter.LintMessage[]): string | undefined {
  const message = messages.find((each) => each.fatal)?.message;
  return message
    ?.replace(/^Parsing error: /, "")
    .split("\n", 1)
    .join("")
    .slice(0, 200);
}

/** Nobody mends generated text, and it takes longest to parse. */
function isMinified(text: string): boolean {
  return text.length > 20_000 && text.length / (text.split("\n").length || 1) > 500;
}
