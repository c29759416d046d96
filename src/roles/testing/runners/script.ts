/**
 * Reads the script that tests a repository, package.json's or the user's command: which tool it ends in, and whether
 * arguments can be added to it; pure.
 */
import type { RepositoryFacts } from "./runner.ts";

/** The user's command, or the `test` script unless it is the placeholder of `npm init`. */
export function testScript(facts: RepositoryFacts): string | undefined {
  const script = (facts.command ?? facts.packageJson?.scripts?.test)?.trim();
  return !script || /no test specified/.test(script) ? undefined : script;
}

/** The script with each `npm test` and `npm run NAME` in it replaced by what that runs. */
export function expandScript(facts: RepositoryFacts, depthMax = 4): string {
  let text = testScript(facts) ?? "";
  for (let depth = 0; depth < depthMax; depth += 1)
    text = text.replace(
      /\b(?:npm|pnpm|yarn) (?:(?:run )([\w:.-]+)|(test))(?: --silent)?(?=\s*(?:$|[&|;\n]))/g,
      (whole, name: string | undefined, test: string | undefined) =>
        facts.packageJson?.scripts?.[name ?? test ?? ""] ?? whole,
    );
  return text;
}

/** The last simple command of a script, which is the one that added arguments reach. */
function lastCommand(script: string): string {
  return (script.split(/&&|\|\||[;|\n]/).at(-1) ?? "").trim();
}

/** "script": added arguments reach the tool. "direct": the tool has to be started by itself. */
export type ToolUse = "script" | "direct";

/**
 * Whether the repository tests with a tool: by its script, or where no script says otherwise by its dependencies or the
 * tool's own settings file. A user's command is never replaced by another.
 */
export function usesTool(facts: RepositoryFacts, tool: string): ToolUse | undefined {
  const script = testScript(facts);
  const word = new RegExp(`(^|[\\s/])${tool}(\\s|$)`);
  if (script && word.test(lastCommand(script))) return "script";
  if (facts.command !== undefined) return undefined;
  if (word.test(expandScript(facts))) return "direct";
  if (script) return undefined;
  const { dependencies, devDependencies } = facts.packageJson ?? {};
  const declared = { ...dependencies, ...devDependencies }[tool] !== undefined;
  const settings = new RegExp(`^\\.?${tool}(rc|\\.config)\\.\\w+$`);
  return declared || facts.files.some((file) => settings.test(file)) ? "direct" : undefined;
}

/** The script as a command, with arguments added to its last part. */
export function scriptCommand(facts: RepositoryFacts, added: readonly string[] = []): string[] {
  if (facts.command !== undefined) return ["sh", "-c", [facts.command, ...added].join(" ")];
  return ["npm", "test", "--silent", ...(added.length > 0 ? ["--", ...added] : [])];
}

/** The tool's command with arguments that make it report. */
export function toolCommand(
  facts: RepositoryFacts,
  use: ToolUse,
  { direct, added }: { readonly direct: readonly string[]; readonly added: readonly string[] },
): string[] {
  return use === "script" ? scriptCommand(facts, added) : [...direct, ...added];
}
