/** What every benchmark prints: the machine, the versions and the command, then its tables; progress goes to stderr. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { basename } from "node:path";

export function printHead(title: string, versions: Readonly<Record<string, string>>): void {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const memory = Math.round(totalmem() / 2 ** 30);
  const list = Object.entries({ Node: process.version, ...versions }).map(
    ([name, version]) => `${name} ${version}`,
  );
  const args = process.argv.slice(2).join(" ");
  const command = `make bench NAME=${basename(process.argv[1] ?? "", ".ts")}${args ? ` ARGS="${args}"` : ""}`;
  print(`## ${title}\n`);
  print(`${new Date().toISOString().slice(0, 10)}, \`${command}\`.`);
  print(`${cpus().length} cores (${model}), ${memory} GiB, Linux ${release()}; ${list.join(", ")}.`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A line for whoever waits. */
export function progress(text: string): void {
  process.stderr.write(`  ${text} …\n`);
}

export function packageVersion(name: string): string {
  return (JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")) as { version: string })
    .version;
}

export function redisVersion(): string {
  const said = execFileSync("redis-server", ["--version"], { encoding: "utf8" });
  return /v=([\d.]+)/.exec(said)?.[1] ?? "?";
}
