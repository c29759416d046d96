/** `agentmesh simulate`: the real decision over virtual time, for fleets that no laptop holds. */
import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { systemClock } from "../../core/clock.ts";
import { MeshError } from "../../core/errors.ts";
import { type Pattern, patterns, readTrace } from "../../scaling/simulate/arrivals.ts";
import type { RoleResult } from "../../scaling/simulate/role-run.ts";
import {
  type ServiceShape,
  type SimulationPlan,
  serviceShapes,
  simulateRole,
} from "../../scaling/simulate/simulate.ts";
import { exitCodes } from "../exit-codes.ts";
import { gathered, numberBetween, perSecond, wholeNumber, withExamples, withJson } from "../help.ts";
import { loadRoles } from "../load-roles.ts";
import { note, print, printJson } from "../output.ts";
import { readText } from "../read-text.ts";
import { policyDirectoryDefault, readScalePolicies, type ScalePolicy } from "../scale-policies.ts";
import { addSettings, loadSettings } from "../setting-flags.ts";
import { simulationPage } from "../simulation-page.ts";
import { type PolicyResult, type SimulationGoal, showPolicy, verdictsOf } from "../simulation-table.ts";

interface Options {
  readonly pattern: Pattern;
  readonly trace?: string;
  readonly roles?: readonly string[];
  readonly rate: number;
  readonly hours?: number;
  readonly serviceSeconds: number;
  readonly service: ServiceShape;
  readonly startSeconds: number;
  readonly slots?: number;
  readonly policy?: readonly string[];
  readonly within: number;
  readonly percent: number;
  readonly busy?: number;
  readonly price?: number;
  readonly seed: number;
  readonly html?: string;
  readonly json?: boolean;
}

const hoursDefault = 24;

export function command(): Command {
  const simulate = new Command("simulate")
    .description(
      "Lets tasks come in virtual time and scales for them by the decision, the rules of KEDA and the arithmetic of the HPA that a " +
        "cluster goes by: days of thousands of replicas in seconds. Says how long tasks waited, how busy replicas were and what " +
        "it cost. Needs no server. Ends with 1 where the goal is not kept.",
    )
    .addOption(new Option("--pattern <pattern>", "how tasks come").choices(patterns).default("diurnal"))
    .option("--trace <file>", "as they came: CSV with the columns seconds, role and, if need be, count")
    .option("--roles <names>", "these alone, separated by commas; default: testing", names)
    .option("--rate <rate>", "tasks of each role on average: 5/s, 30/m, 10000/h", perSecond, 10_000 / 3_600)
    .option(
      "--hours <hours>",
      "how long; default: 24, or to the end of the trace and an hour more",
      numberBetween(0.01, 100_000),
    )
    .option(
      "--service-seconds <seconds>",
      "how long a task runs on average",
      numberBetween(0.001, 864_000),
      30,
    )
    .addOption(
      new Option("--service <shape>", "how that varies").choices(serviceShapes).default("exponential"),
    )
    .option(
      "--start-seconds <seconds>",
      "from a replica's start until it takes tasks",
      numberBetween(0, 86_400),
      30,
    )
    .option(
      "--slots <number>",
      "tasks that a replica runs at once; default: the role's concurrency",
      wholeNumber(1, 100_000),
    )
    .option(
      "--policy <directory>",
      `ScaledObjects to go by; repeatable, to compare; default: ${policyDirectoryDefault}`,
      gathered,
    )
    .option("--within <seconds>", "tasks are to begin within this", numberBetween(0, 864_000), 30)
    .option("--percent <percent>", "of them, as many", numberBetween(0, 100), 95)
    .option("--busy <percent>", "slots are to be busy for this part of the time", numberBetween(0, 100))
    .option("--price <amount>", "of one replica for an hour: says what it costs", numberBetween(0, 1_000_000))
    .option("--seed <number>", "the same seed gives the same tasks", numberBetween(0, 2 ** 32 - 1), 1)
    .option("--html <file>", "write a page with pictures")
    .action(async (options: Options, self: Command) =>
      run(options, await loadRoles(loadSettings(self).config.roles.modules)),
    );
  return withExamples(addSettings(withJson(simulate), []), [
    ["agentmesh simulate --rate 10000/h --busy 80", "Would a day's wave of 10,000 an hour hold at 80 %?"],
    [
      "agentmesh simulate --pattern burst --roles testing,security --html burst.html",
      "A burst, with pictures",
    ],
    ["agentmesh simulate --policy keda --policy keda-new", "Two policies, over the same tasks"],
    ["agentmesh simulate --trace last-week.csv --hours 168", "As it was last week"],
  ]);
}

async function run(options: Options, roles: Awaited<ReturnType<typeof loadRoles>>): Promise<void> {
  const trace =
    options.trace === undefined
      ? undefined
      : readTrace(readText(options.trace, "INVALID_CONFIG"), options.trace);
  const wanted = options.roles ?? (trace ? [...trace.keys()] : ["testing"]);
  const durationMs = (options.hours ?? hoursOf(trace)) * 3_600_000;
  const plan: SimulationPlan = {
    arrivals: trace ? { trace } : { pattern: options.pattern, perSecond: options.rate },
    durationMs,
    service: { meanMs: options.serviceSeconds * 1_000, shape: options.service },
    startMs: options.startSeconds * 1_000,
    seed: options.seed,
  };
  const goal = {
    withinMs: options.within * 1_000,
    percent: options.percent,
    utilizationPercent: options.busy,
    price: options.price,
  };
  const results: PolicyResult[] = [];
  for (const directory of options.policy ?? [undefined]) {
    const name = directory ?? policyDirectoryDefault;
    const policies = readScalePolicies(directory, roles);
    results.push({ name, roles: wanted.map((role) => simulated(role, name, policies, plan, options)) });
  }
  if (options.html !== undefined) {
    const title = `${trace ? options.trace : options.pattern}, ${durationMs / 3_600_000} h`;
    writeText(options.html, simulationPage(title, results, goal));
    note(`the page is in ${options.html}`);
  }
  if (options.json) printJson(results.map((one) => resultJson(one, goal)));
  else
    for (const [place, result] of results.entries()) {
      if (place > 0) print("");
      showPolicy(result, goal);
    }
  const kept = results.every(({ roles: all }) =>
    all.every((one) => verdictsOf(one, goal).every(({ isKept }) => isKept)),
  );
  if (!kept) process.exitCode = exitCodes.failed.code;
}

function simulated(
  role: string,
  directory: string,
  policies: ReadonlyMap<string, ScalePolicy>,
  plan: SimulationPlan,
  { slots }: Options,
): RoleResult {
  const policy = policies.get(role);
  if (!policy)
    throw new MeshError(
      "UNKNOWN_ROLE",
      `${directory} has no ScaledObject of "${role}"; it has ${[...policies.keys()].join(", ")}`,
    );
  const begunMs = systemClock.now();
  const result = simulateRole({ ...policy, slots: slots ?? policy.slots }, plan);
  const seconds = (systemClock.now() - begunMs) / 1_000;
  if (seconds > 1) note(`${role}: ${result.events.toLocaleString("en")} events in ${seconds.toFixed(1)} s`);
  return result;
}

function resultJson({ name, roles }: PolicyResult, goal: SimulationGoal): object {
  return {
    policy: name,
    roles: roles.map((result) => {
      const { waits, series, ...rest } = result;
      const waitsMs = {
        p50: waits.percentileMs(50),
        p95: waits.percentileMs(95),
        p99: waits.percentileMs(99),
        most: waits.mostMs,
      };
      return { ...rest, waitsMs, verdicts: verdictsOf(result, goal), series };
    }),
  };
}

/** Until the last task of a trace, and an hour for it to end. */
function hoursOf(trace: ReadonlyMap<string, readonly number[]> | undefined): number {
  if (trace === undefined) return hoursDefault;
  const lastMs = [...trace.values()].reduce(
    (last, times) => times.reduce((a, b) => (a > b ? a : b), last),
    0,
  );
  return Math.ceil(lastMs / 3_600_000) + 1;
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new MeshError("INVALID_CONFIG", `${file}: cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function names(value: string): string[] {
  return value.split(",").map((name) => name.trim());
}
