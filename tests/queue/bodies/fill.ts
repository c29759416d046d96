/** Puts bodies where files may not grow beyond some 200 KiB, as where a disk is full, and tells what came of it. */
import { MeshError } from "../../../src/core/errors.ts";
import { directoryBodies } from "../../../src/queue/bodies/directory.ts";

const bodies = directoryBodies(process.argv[2] as string);
for (const [name, bytes] of [
  ["small", 10_000],
  ["large", 5_000_000],
  ["small again", 10_000],
] as const) {
  const put = bodies.put(name.replace(" ", "-"), Buffer.alloc(bytes));
  const said = await put.then(
    () => "put",
    (error) => MeshError.from(error).reason,
  );
  process.stdout.write(`${name}: ${said}\n`);
}
