/** The machine: Node, the sandbox, and the tools that repositories' tests need. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { openSandbox } from "../../sandbox/open.ts";
import { type Check, type Finding, ok, warn } from "./check.ts";

export const checkNode: Check = async () => {
  const { node, v8 } = process.versions;
  const major = Number(node.split(".")[0]);
  const wayOut = "install Node 24, or run from the checkout: `npm ci` brings one";
  return [major >= 24 ? ok("Node", `${node} (V8 ${v8})`) : warn("Node", `${node}; 24 is needed`, wayOut)];
};

/** Runs a command in the sandbox, so that a bwrap that is there and may not make namespaces is found out. */
export const checkSandbox: Check = async ({ loaded }) => {
  const { allowUncontained } = loaded.config.sandbox;
  const { containment } = await openSandbox();
  if (containment === "bubblewrap")
    return [ok("sandbox", "bubblewrap works: repositories' commands are contained")];
  const wayOut = "install bubblewrap (`apt-get install bubblewrap`) and allow user namespaces";
  const found = allowUncontained
    ? "bubblewrap does not work: commands run with all rights of this user, as sandbox.allowUncontained allows"
    : "bubblewrap does not work: only the shipped sample's tests can run";
  return [warn("sandbox", found, wayOut)];
};

const tools = [
  {
    name: "git",
    arguments: ["--version"],
    without: "repositories cannot be cloned by hand; nothing else needs it",
  },
  { name: "python3", arguments: ["--version"], without: "tests of repositories in Python cannot run" },
  { name: "go", arguments: ["version"], without: "tests of repositories in Go cannot run" },
];

export const checkTools: Check = () =>
  Promise.all(
    tools.map(async (tool): Promise<Finding> => {
      try {
        const { stdout } = await promisify(execFile)(tool.name, tool.arguments, { timeout: 5_000 });
        return ok(tool.name, stdout.trim().split("\n")[0] ?? "");
      } catch {
        return warn(tool.name, `not found: ${tool.without}`, `install ${tool.name} where it is wanted`);
      }
    }),
  );
