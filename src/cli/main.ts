#!/usr/bin/env node
/** The command `agentmesh`. */
import { runCli } from "./run-cli.ts";

await runCli(process.argv.slice(2));
