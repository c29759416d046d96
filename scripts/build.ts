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

// Lua, SQL, descriptors and whatever else stands beside the sources, the contract, and the sample.
for (const folder of ["src", "gen", "proto", "examples"]) {
  const compiled = (file: string) => file.endsWith(".ts") && !file.endsWith(".d.ts");
  const filter = (file: string) => statSync(file).isDirectory() || !compiled(file);
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter });
}
for (const file of ["LICENSE", "README.md"].filter((name) => existsSync(join(root, name))))
  cpSync(join(root, file), join(dist, file), { force: true });

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
  dependencies,
};
writeFileSync(join(dist, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
chmodSync(join(dist, main), 0o755);
