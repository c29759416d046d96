/** What the documentation says is there, is there. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { catalogOf } from "../../src/agent/role-catalog.ts";
import { MeshError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { TrafficPolicy } from "../../src/discovery/policy.ts";
import { readPolicy } from "../../src/discovery/read-policy.ts";
import { readEndpoints } from "../../src/discovery/sources/file.ts";
import { retryPolicyDefault } from "../../src/queue/task.ts";
import { roles } from "../../src/roles/index.ts";
import { workflowFaults } from "../../src/workflow/dag.ts";
import { parseWorkflow, WorkflowDefinition } from "../../src/workflow/definition.ts";
import { anchorsOf, blocksOf, citedTests, linksOf, type Page, pages, pathsOf, root } from "./pages.ts";

const all = pages();
const page = (path: string): Page => {
  const found = all.find((one) => one.path === path);
  if (!found) throw new Error(`${path} is missing`);
  return found;
};
const read = (path: string) => readFileSync(join(root, path), "utf8");

describe.each(all)("$path", (one) => {
  test("links lead to files and headings that are there", () => {
    const broken = linksOf(one).filter((link) => {
      const [target = "", anchor] = link.split("#");
      const path = target === "" ? one.path : normalize(join(dirname(one.path), target));
      if (!existsSync(join(root, path))) return true;
      return anchor !== undefined && !anchorsOf(page(path)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("paths in backticks exist", () => {
    expect(pathsOf(one).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("tests that it cites exist", () => {
    const missing = citedTests(one).filter(
      ({ file, title }) => !existsSync(join(root, file)) || !read(file).includes(`"${title}"`),
    );
    expect(missing).toEqual([]);
  });

  test("blocks that name their file have its text: all of it, of a test's file some of its parts", () => {
    for (const { file, text } of blocksOf(one).filter((block) => block.file !== ""))
      if (!file.startsWith("tests/")) expect(text).toBe(read(file));
      else for (const part of text.trimEnd().split("\n\n")) expect(read(file)).toContain(part);
  });
});

test("what is cited is found at all", () => {
  expect(citedTests(page("docs/queue.md")).length).toBeGreaterThan(20);
  expect(pathsOf(page("docs/queue.md")).length).toBeGreaterThan(20);
});

describe("docs/discovery.md", () => {
  const discovery = page("docs/discovery.md");

  test("has every field of a policy under its section", () => {
    const sections = new Map(
      discovery.text.split(/^### /m).map((section) => [section.split("\n")[0] ?? "", section]),
    );
    const missing = fieldsOf(TrafficPolicy.shape.roles).filter(([first = "", ...others]) => {
      const section = [...sections].find(([title]) => title.split(" and ").includes(first))?.[1] ?? "";
      return section === "" || others.some((name) => !new RegExp(`\\b${name}\\b`).test(section));
    });
    expect(missing).toEqual([]);
  });

  test("has examples that could be taken", () => {
    const yaml = blocksOf(discovery).filter(({ language }) => language === "yaml");
    const policies = yaml.filter(
      ({ text }) => /^(defaults|roles):/m.test(text) && !text.includes("address:"),
    );
    expect(policies.length).toBeGreaterThan(8);
    for (const { text } of policies) expect(readPolicy(text, "policy.yaml")).toBeTruthy();
    const [endpoints] = yaml.filter(({ text }) => text.includes("address:"));
    expect(readEndpoints(endpoints?.text ?? "", "endpoints.yaml")).toHaveLength(2);
  });
});

/** The paths of a role's policy. */
function fieldsOf(schema: unknown): string[][] {
  if (schema instanceof z.ZodOptional) return fieldsOf(schema.unwrap());
  if (schema instanceof z.ZodRecord) return fieldsOf(schema.valueType);
  if (schema instanceof z.ZodArray) return fieldsOf(schema.element);
  if (!(schema instanceof z.ZodObject)) return [[]];
  return Object.entries(schema.shape).flatMap(([name, inner]) => {
    // What one RPC may have, a role has, and is told of there.
    if (name === "rpcs") return [[name]];
    return fieldsOf(inner).map((path) => [name, ...path]);
  });
}

describe("docs/queue.md", () => {
  const { text } = page("docs/queue.md");

  test("has every limit with its value", () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| ([\d.]+) \|/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(rows)).toEqual({ ...limits });
  });

  test("has the backoff's delays", () => {
    const { backoffInitialMs, backoffMaxMs, backoffMultiplier } = retryPolicyDefault;
    for (let attempt = 1; attempt <= 7; attempt++) {
      const full = Math.min(backoffMaxMs, backoffInitialMs * backoffMultiplier ** (attempt - 1)) / 1_000;
      const row = `\\| ${attempt}( and on)? \\| ${full} s \\| ${full / 2}–${full} s \\|`;
      expect(text).toMatch(new RegExp(row));
    }
  });

  test("has every key of Redis", () => {
    const head = read("src/queue/redis/keys.ts");
    const told = [...text.matchAll(/`am:\{QUEUE\}:([A-Za-z])/g)].map(([, suffix]) => suffix);
    const pattern = /\^\(\[([A-Za-z]+)\]\|\(([A-Z|]+)\):/.exec(read("tests/queue/redis/audit.ts"));
    const known = new Set(`${pattern?.[1]}${pattern?.[2]?.replaceAll("|", "")}`);
    expect(new Set(told)).toEqual(known);
    for (const suffix of known) expect(head).toMatch(new RegExp(`\\b${suffix}\\b`));
  });
});

describe("docs/roles.md", () => {
  test("has only code of real files", () => {
    const invented = blocksOf(page("docs/roles.md")).filter(
      ({ language, file }) => language === "ts" && file === "",
    );
    expect(invented).toEqual([]);
  });

  test("lists all that a handler gets", () => {
    const context = /interface TaskContext \{\n([\s\S]*?)\n\}/.exec(read("src/agent/role.ts"))?.[1] ?? "";
    const members = [...context.matchAll(/^ {2}(?:readonly )?(\w+)[(:<]/gm)].map(([, name = ""]) => name);
    const table = /## What a handler gets([\s\S]*?)\n## /.exec(page("docs/roles.md").text)?.[1] ?? "";
    const told = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name),
    );
    expect(members.length).toBeGreaterThan(10);
    expect(told.sort()).toEqual(members.sort());
  });
});

describe("docs/workflows.md", () => {
  const { text } = page("docs/workflows.md");

  test("lists every field of the file", () => {
    const node = WorkflowDefinition.shape.nodes.valueType;
    const retry = node.shape.retry.unwrap();
    const fields = [WorkflowDefinition, node, retry].flatMap(({ shape }) => Object.keys(shape));
    const section = /## The file([\s\S]*?)\n## /.exec(text)?.[1] ?? "";
    const told = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(told.sort()).toEqual(fields.sort());
  });

  const template = (inner: string) => `"\${{ ${inner} }}"`;
  test.each([
    "name: nightly\nnodes:\n  tests:\n    role: testing\n    need: [a]",
    "name: nightly\nnodes:\n  tests:\n    role: testing\n    approval: me",
    "name: nightly\nnodes:\n  tests:\n    title: Tests",
    "name: nightly\nnodes:\n  tests:\n    role: testing\n    retry: { attempts: 0 }",
    "name: nightly\nnodes: [a\n",
    "name: nightly\nnodes:\n  tests:\n    role: testin",
    "name: nightly\nnodes:\n  tests: { role: testing }\n  report: { role: synthesis, needs: [tests, nobody] }",
    "name: nightly\nnodes:\n  tests: { role: testing, needs: [report] }\n  report: { role: synthesis, needs: [tests] }",
    "name: Nightly\nnodes:\n  tests: { role: testing }",
    "name: nightly\noutput: result\nnodes:\n  tests: { role: testing }",
    `name: nightly\nnodes:\n  tests: { role: testing, input: { x: ${template("report.a")} } }\n  report: { role: synthesis }`,
    `name: nightly\nnodes:\n  tests: { role: testing, input: { repository: ${template("inputs.repo")} } }`,
    `name: nightly\nnodes:\n  tests: { role: testing, input: { y: ${template("a b")} } }`,
  ])("has the real message for %j", (yaml) => {
    const faults = faultsOf(yaml);
    expect(faults.length).toBeGreaterThan(0);
    for (const { field, description } of faults) expect(text).toContain(`\`${field}: ${description}\``);
  });
});

function faultsOf(yaml: string) {
  try {
    return workflowFaults(parseWorkflow(yaml, "nightly.yaml"), catalogOf(roles));
  } catch (error) {
    return MeshError.from(error).fields;
  }
}
