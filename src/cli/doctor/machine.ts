/** The machine: Node, the sandbox, and the tools that repositories' tests need. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bubblewrapSandbox } from "../../sandbox/bubblewrap.ts";
import { describeLimits } from "../../sandbox/describe-limits.ts";
import { type Check, type Finding, ok, warn } from "./check.ts";

export const checkNode: Check = async () => {
  const { node, v8 } = process.versions;
  const major = Number(node.split(".")[0]);
  const wayOut = "install Node 24, or run from the checkout: `npm ci` brings one";
  return [major >= 24 ? ok("Node", `${node} (V8 ${v8})`) : warn("Node", `${node}; 24 is needed`, wayOut)];
};

/** What keeps the limits of a repository's command. */
export const checkLimits: Check = async () => {
  const { processes, memory, hard } = await describeLimits();
  const found = `processes by ${processes}, memory by ${memory}`;
  if (hard) return [ok("limits", found)];
  return [
    warn("limits", `${found}: a fork bomb may outrun it`, "run as a user, or with a writable pids cgroup"),
  ];
};

/** Runs a command in the sandbox, so that a bwrap that is there and may not make namespaces is found out. */
export const checkSandbox: Check = async ({ loaded }) => {
  const fault = await bubblewrapFault();
  if (fault === undefined) return [ok("sandbox", "bubblewrap works: repositories' commands are contained")];
  const wayOut = "install bubblewrap (`apt-get install bubblewrap`) and allow user namespaces";
  const then = loaded.config.sandbox.allowUncontained
    ? "commands run with all rights of this user, as sandbox.allowUncontained allows"
    : "only the shipped sample's tests can run";
  return [warn("sandbox", `${fault}: ${then}`, wayOut)];
};

async function bubblewrapFault(): Promise<string | undefined> {
  const workspace = await mkdtemp(join(tmpdir(), "agentmesh-doctor-"));
  try {
    const { exitCode, end } = await bubblewrapSandbox().run(["true"], { workspace });
    return exitCode === 0 ? undefined : `bubblewrap does not work (${exitCode ?? end})`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

const tools = [
  {
    name: "git",
    arguments: ["--version"],
    without: "tests that call git cannot run",
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
