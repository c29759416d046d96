/** Every mutant; those of another part of the mesh get a file of their own beside these, and a place here. */
import { discoveryMutants } from "./discovery.ts";
import { fleetMutants } from "./fleet.ts";
import type { Mutant } from "./mutant.ts";
import { queueMutants } from "./queue.ts";
import { redisMutants } from "./redis.ts";
import { scalingMutants } from "./scaling.ts";
import { sqliteMutants } from "./sqlite.ts";
import { workerMutants } from "./worker.ts";

export const mutants: readonly Mutant[] = [
  ...sqliteMutants,
  ...redisMutants,
  ...queueMutants,
  ...workerMutants,
  ...fleetMutants,
  ...discoveryMutants,
  ...scalingMutants,
];
