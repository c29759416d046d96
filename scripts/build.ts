/**
 * Compiles to dist/, a package of its own that `npm publish ./dist` or `npm pack ./dist` takes: Node strips types only
 * outside node_modules, so an installed package has to be JavaScript.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

// Lua, SQL, descriptors and whatever else stands beside the sources.
const compiled = (file: string) => file.endsWith(".ts") && !file.endsWith(".d.ts");
const beside = (file: string) => statSync(file).isDirectory() || !compiled(file);
for (const folder of ["src", "gen"])
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: beside });

// Reflection serves the contract's own text, and the demo runs on the sample.
for (const path of ["proto", "examples", "LICENSE", "README.md"])
  if (existsSync(join(root, path))) cpSync(join(root, path), join(dist, path), { recursive: true });

const { name, version, description, license, type, dependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const main = "src/cli/main.js";
const manifest = {
  name,
  version,
  description,
  license,
  type,
  engines: { node: ">=24" },
  bin: { agentmesh: main },
  exports: { ".": "./src/index.js" },
  dependencies,
};
writeFileSync(join(dist, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
chmodSync(join(dist, main), 0o755);
