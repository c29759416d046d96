/**
 * Every rule that a finding can carry: its title, how grave it is, and how to mend what it found.
 *
 * Left out of eslint-plugin-security on purpose: `detect-object-injection` (flags every `a[b]`),
 * `detect-non-literal-fs-filename` (flags every program that is given a path), `detect-eval-with-expression` (the same
 * calls as `no-eval`) and `detect-unsafe-regex` (guesses by nesting, mostly wrongly; eslint-plugin-regexp's
 * `no-super-linear-backtracking` finds the text that stalls the expression).
 */
import type { Severity } from "./finding.ts";

export interface Rule {
  readonly title: string;
  readonly severity: Severity;
  readonly advice: string;
}

const revoke =
  "Revoke it where it was issued and issue a new one; then read it from the environment or a secret store. Deleting the line is not enough: the repository's history keeps it.";

const token = (title: string, severity: Severity = "high"): Rule => ({ title, severity, advice: revoke });

const table = {
  "secrets/privatekey": token("Private key", "critical"),
  "secrets/aws": token("AWS credential", "critical"),
  "secrets/gcp": token("Google Cloud service account key", "critical"),
  "secrets/github": token("GitHub token", "critical"),
  "secrets/gitlab": token("GitLab token", "critical"),
  "secrets/npm": token("npm token", "critical"),
  "secrets/docker": token("Docker token", "critical"),
  "secrets/1password": token("1Password token", "critical"),
  "secrets/hashicorp-vault": token("HashiCorp Vault token", "critical"),
  "secrets/slack": token("Slack token"),
  "secrets/sendgrid": token("SendGrid key"),
  "secrets/shopify": token("Shopify key"),
  "secrets/openai": token("OpenAI key"),
  "secrets/anthropic": token("Anthropic key"),
  "secrets/groq": token("Groq key"),
  "secrets/huggingface": token("Hugging Face token"),
  "secrets/grafana": token("Grafana token"),
  "secrets/linear": token("Linear token"),
  "secrets/notion": token("Notion token"),
  "secrets/vercel": token("Vercel token"),
  "secrets/databricks": token("Databricks token"),
  "secrets/figma": token("Figma token"),
  "secrets/basicauth": token("Password in a URL"),
  "secrets/database-connection-string": token("Password in a database's connection string"),
  "secrets/other": token("Credential"),

  "code/no-eval": {
    title: "Text run as code by eval",
    severity: "high",
    advice: "Do without eval: JSON.parse for data, a table of functions for choices.",
  },
  "code/no-implied-eval": {
    title: "Text run as code by a timer",
    severity: "high",
    advice: "Pass a function to the timer, not a string.",
  },
  "code/no-new-func": {
    title: "Text run as code by the Function constructor",
    severity: "high",
    advice: "Write the function out, or choose one from a table by name.",
  },
  "code/detect-child-process": {
    title: "Shell command built at run time",
    severity: "high",
    advice:
      "Use execFile or spawn with an array of arguments and no shell, so that input cannot become a command.",
  },
  "code/detect-bidi-characters": {
    title: "Characters that change the order of the text shown",
    severity: "high",
    advice: "Remove them or write them as escapes: the code shown to a reviewer is not the code that runs.",
  },
  "code/detect-invisible-characters": {
    title: "Characters that are not shown",
    severity: "medium",
    advice: "Remove them or write them as escapes: a reviewer cannot see them.",
  },
  "code/no-super-linear-backtracking": {
    title: "Regular expression that a crafted text can stall",
    severity: "medium",
    advice:
      "Rewrite it so that each text can be matched in one way alone, or cap the length of what is matched.",
  },
  "code/detect-non-literal-regexp": {
    title: "Regular expression built at run time",
    severity: "low",
    advice: "If any part comes from outside, escape it and cap its length.",
  },
  "code/detect-non-literal-require": {
    title: "Module chosen at run time",
    severity: "medium",
    advice: "Choose from a table of known modules, so that input cannot name one.",
  },
  "code/detect-possible-timing-attacks": {
    title: "Secret compared in a time that tells how much of it matched",
    severity: "low",
    advice: "Compare secrets with crypto.timingSafeEqual.",
  },
  "code/detect-pseudoRandomBytes": {
    title: "Random bytes that can be guessed",
    severity: "medium",
    advice: "Use crypto.randomBytes.",
  },
  "code/detect-no-csrf-before-method-override": {
    title: "Check against forged requests runs before the method is overridden",
    severity: "medium",
    advice: "Install method-override before the csrf middleware.",
  },
  "code/detect-buffer-noassert": {
    title: "Buffer access without a bounds check",
    severity: "medium",
    advice: "Drop the noAssert argument.",
  },
  "code/detect-disable-mustache-escape": {
    title: "Template escaping turned off",
    severity: "medium",
    advice: "Leave escaping on, and mark single values as safe HTML where they are.",
  },
  "code/detect-new-buffer": {
    title: "Buffer that may hold old memory",
    severity: "medium",
    advice: "Use Buffer.from or Buffer.alloc.",
  },

  "dependencies/no-lockfile": {
    title: "Dependencies without a lockfile",
    severity: "medium",
    advice: "Commit the package manager's lockfile, so that everyone installs what was reviewed.",
  },
  "dependencies/plain-http": {
    title: "Package fetched without encryption",
    severity: "high",
    advice: "Use https, or the registry: whoever is on the way can change this package.",
  },
  "dependencies/not-from-registry": {
    title: "Package from a git repository or a URL",
    severity: "medium",
    advice:
      "Prefer a published version; otherwise pin the full commit and mirror it, since its owner can remove it.",
  },
  "dependencies/no-integrity": {
    title: "Package without an integrity hash",
    severity: "medium",
    advice: "Write the lockfile again with a current package manager, so that a changed package is refused.",
  },
  "dependencies/install-script": {
    title: "Package that runs a script when it is installed",
    severity: "low",
    advice: "Read the script, or install with --ignore-scripts and allow by name those that need one.",
  },
  "dependencies/deprecated": {
    title: "Package that its author has deprecated",
    severity: "low",
    advice: "Move to the successor that the message names.",
  },
  "dependencies/mismatch": {
    title: "Lockfile and package.json disagree",
    severity: "medium",
    advice: "Run the package manager's install and commit the lockfile.",
  },
  "dependencies/unreadable": {
    title: "Manifest or lockfile that cannot be read",
    severity: "medium",
    advice: "Write it again with the package manager; look for the marks of an unfinished merge.",
  },
} as const satisfies Record<string, Rule>;

export const rules: Readonly<Record<string, Rule>> = table;

/** The rule of this id; one that a newer scanner brought has the entry of credentials in general. */
export function ruleFor(id: string): Rule {
  return Object.hasOwn(table, id) ? rules[id]! : table["secrets/other"];
}
