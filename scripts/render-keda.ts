/** Writes keda/ from the list of roles, and removes what no role has any more. */
import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fleetOf } from "../src/deploy/fleet.ts";
import { renderKeda } from "../src/deploy/keda/render.ts";
import { roles } from "../src/roles/index.ts";

const root = join(import.meta.dirname, "..");
const files = renderKeda(fleetOf(roles));
for (const path of globSync("keda/**/*.yaml", { cwd: root })) if (!files.has(path)) rmSync(join(root, path));
for (const [path, text] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
