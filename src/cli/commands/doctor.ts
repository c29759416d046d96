/** `agentmesh doctor`: whether this machine has what a mesh needs. */
import { Command } from "commander";
import type { Finding, Health } from "../doctor/check.ts";
import { endWith } from "../exit-codes.ts";
import { withExamples, withJson } from "../help.ts";
import { columnsOf, out, print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { counted, plainLine, wrapped } from "../terminal-text.ts";

export function command(): Command {
  const doctor = new Command("doctor")
    .description(
      "Looks at what `agentmesh up` with the same settings would need: Node, settings and where each was said, the store " +
        "and its durability, ports, the sandbox, tools. Changes nothing. Ends with 1 when something is at fault; " +
        "warnings do not count.",
    )
    .action(async (options: { json?: boolean }, self: Command) => {
      const { examine } = await import("../doctor/examine.ts");
      const findings = await examine(self);
      const hasFault = findings.some(({ health }) => health === "fail");
      endWith(hasFault ? "failed" : "ok");
      if (options.json) printJson({ ok: !hasFault, findings });
      else tell(findings);
    });
  return withExamples(addSettings(withJson(doctor), ["server"]), [
    ["agentmesh doctor", "Before the first `agentmesh up`"],
    [
      "agentmesh doctor --store redis://localhost:6379",
      "Is Redis there, and does it keep what it acknowledges?",
    ],
    [`agentmesh doctor --json | jq '.findings[] | select(.health != "ok")'`, "For programs"],
  ]);
}

const marks: Readonly<Record<Health, string>> = {
  ok: out.green("✔ ok  "),
  warn: out.yellow("! warn"),
  fail: out.red("✖ fail"),
};

function tell(findings: readonly Finding[]): void {
  const whats = Math.max(...findings.map(({ what }) => what.length));
  const indent = " ".repeat(whats + 10);
  const columns = Math.max(30, columnsOf(process.stdout) - indent.length);
  for (const { health, what, found, wayOut } of findings) {
    const [first = "", ...rest] = found.split("\n").flatMap((line) => wrapped(plainLine(line), columns));
    print(`${marks[health]}  ${out.bold(what.padEnd(whats))}  ${first}`);
    for (const line of rest) print(indent + line);
    if (wayOut) for (const line of wrapped(`→ ${wayOut}`, columns)) print(indent + out.cyan(line));
  }
  const faults = findings.filter(({ health }) => health === "fail").length;
  const warnings = findings.filter(({ health }) => health === "warn").length;
  print("");
  print(`${counted(faults, "fault")}, ${counted(warnings, "warning")}`);
}
