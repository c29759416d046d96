/**
 * The one table of settings. The type {@link Config}, the flags of `--help`, docs/config.md and the ConfigMap are made from
 * it; nothing else lists settings.
 */
import { limits } from "../limits.ts";
import { clientDefaults } from "../ports.ts";
import { bodiesUrl } from "./bodies-url.ts";
import { discoverySettings } from "./discovery-settings.ts";
import { scalerSettings } from "./scaler-settings.ts";
import { serverSettings } from "./server-settings.ts";
import {
  choice,
  labels,
  optional,
  path,
  paths,
  type Setting,
  setting,
  text,
  whole,
  yesNo,
} from "./setting.ts";
import { storeUrl } from "./store-url.ts";

/** Every setting by its dotted name. */
export const settings = Object.freeze({
  ...serverSettings,
  "store.url": setting({
    kind: storeUrl(),
    default: "sqlite:",
    because: "needs no other program; Redis is for more than one process",
    doc: "Where tasks are kept: `sqlite:` is mesh.db in `data.dir`, `redis…://…` is shared by many processes; see docs/redis.md.",
    flag: "store",
    takenBy: ["server"],
  }),
  "data.dir": setting({
    kind: path(),
    default: ".agentmesh",
    because:
      "a mesh belongs to a project as its agentmesh.yaml does: two projects share no tasks and do not wait for each other",
    doc: "The directory of the embedded store and of other files that the mesh keeps.",
    takenBy: ["server"],
  }),
  "sqlite.durability": setting({
    kind: choice("full", "normal"),
    default: "full",
    because: "an acknowledged task survives a power cut; one fsync serves a whole batch, so it costs little",
    doc: "`full` syncs each commit to the disk; `normal` may lose the last commits in a power cut, never in a crash.",
    takenBy: ["server"],
  }),
  "redis.waitReplicas": setting({
    kind: whole({ min: 0, max: 100 }),
    default: 0,
    because:
      "one server has no replica; with replicas, 1 keeps what was acknowledged over a fail-over and costs a round trip",
    doc: "Replicas of a Redis server that must have a write before it is acknowledged; see docs/redis.md.",
    takenBy: ["server"],
  }),
  "redis.waitTimeoutMs": setting({
    kind: whole({ min: 10, max: 900, argument: "<milliseconds>" }),
    default: 500,
    because:
      "a call may wait twice as long, for the wait before it and for its own, and is given up after 2 s",
    doc: "How long a write waits for `redis.waitReplicas`; after that it is STORE_UNAVAILABLE and its outcome unknown.",
    takenBy: ["server"],
  }),
  "queue.maxTasks": setting({
    kind: whole({ min: 1, max: 100_000_000 }),
    default: limits.queueTasksMax,
    because: "some 5 GB of Redis at 1 kB a task: beyond it more queue helps nobody",
    doc: "Unfinished tasks that one queue takes; more are refused with QUEUE_FULL.",
    takenBy: ["server"],
  }),
  "queue.retentionHours": setting({
    kind: whole({ min: 1, max: 8_760, argument: "<hours>" }),
    default: 72,
    because: "what failed on Friday evening can still be looked at on Monday",
    doc: "Finished tasks are deleted this long after their end.",
    takenBy: ["server"],
  }),
  "queue.retentionTasks": setting({
    kind: whole({ min: 0, max: 100_000_000 }),
    default: 100_000,
    because: "bounds a queue's finished tasks to some 100 MB at 1 kB each, whatever the rate",
    doc: "Finished tasks that one queue keeps; above it the oldest go first, before their hours are over.",
    takenBy: ["server"],
  }),
  "payload.maxBytes": setting({
    kind: whole({ min: 1_024, max: limits.messageBytesMax, argument: "<bytes>" }),
    default: limits.payloadBytesMax,
    because:
      "1 MiB: the store keeps every payload in memory or in its log, and larger data is better kept beside it",
    doc: "Bytes of one input or output that the store itself keeps; more is offloaded, or refused with PAYLOAD_TOO_LARGE.",
    takenBy: ["server", "worker"],
  }),
  "payload.offloadBytes": setting({
    kind: whole({ min: 0, max: limits.messageBytesMax, argument: "<bytes>" }),
    default: 262_144,
    because:
      "at 256 KiB a body of its own costs a task no more time than its place in the store, and leaves the store's room alone",
    doc: "Payloads of more bytes are kept in the body store, the task has their address; 0: none is, and more than `payload.maxBytes` is refused.",
    takenBy: ["server"],
  }),
  "payload.bodyBytesMax": setting({
    kind: whole({ min: 1_024, max: limits.bodyBytesMax, argument: "<bytes>" }),
    default: limits.bodyBytesMax,
    because: "a task is read with its input and its output in one message, of 16 MiB at most",
    doc: "Bytes of one input or output that is kept in the body store; more is refused with PAYLOAD_TOO_LARGE.",
    takenBy: ["server"],
  }),
  "bodies.url": setting({
    kind: bodiesUrl(),
    default: "auto",
    because: "the directory `blobs` beside mesh.db, or the same Redis: nothing more to run",
    doc: "The body store, for payloads over `payload.offloadBytes`; it serves one mesh alone. See payloads.md.",
    flag: "bodies",
    takenBy: ["server"],
  }),
  "s3.endpoint": setting({
    kind: optional(
      text("an address `http://…` or `https://…` without a path", "<url>", /^https?:\/\/[^/?#@]+\/?$/),
    ),
    default: undefined,
    because: "unset, it is Amazon's for `s3.region`",
    doc: "Where the bucket of `bodies.url` is served; buckets are addressed by path.",
    takenBy: ["server"],
  }),
  "s3.region": setting({
    kind: text("a region's name", "<region>", /^[a-z0-9-]+$/),
    default: "us-east-1",
    because: "what servers other than Amazon's take unless told otherwise",
    doc: "The region that requests to the bucket are signed for.",
    takenBy: ["server"],
  }),
  "s3.accessKeyId": setting({
    kind: optional(text("a key's id", "<id>", /^[\w./+=-]+$/)),
    default: undefined,
    because: "there is no key that everyone has",
    doc: "The key that requests to the bucket are signed with: it may list, read, write and delete objects.",
    takenBy: ["server"],
  }),
  "s3.secretAccessKey": setting({
    kind: optional(text("a key's secret", "<secret>", /^\S+$/)),
    default: undefined,
    because: "there is no key that everyone has",
    doc: "The secret of `s3.accessKeyId`.",
    takenBy: ["server"],
    secret: true,
  }),
  "log.level": setting({
    kind: choice("debug", "info", "warn", "error", "silent"),
    default: "info",
    because: "starts, stops and faults, and no line per task",
    doc: "The least severe lines that are logged.",
    takenBy: ["server", "worker", "client"],
  }),
  "log.format": setting({
    kind: choice("auto", "json", "pretty"),
    default: "auto",
    because: "a person at a terminal reads pretty lines, everything else reads JSON",
    doc: "`json` is one object a line, `pretty` is for people, `auto` is pretty on a terminal and JSON elsewhere.",
    takenBy: ["server", "worker", "client"],
  }),
  "sandbox.allowUncontained": setting({
    kind: yesNo(),
    default: false,
    because: "a repository's own commands are not to be trusted with the user's files and network",
    doc: "Where bubblewrap does not work, run repositories' commands without walls: with all rights of this user.",
    flag: "allow-uncontained-commands",
    takenBy: ["server", "worker"],
  }),
  "sandbox.memoryMb": setting({
    kind: whole({ min: 16, max: 1_048_576, argument: "<megabytes>" }),
    default: 2_048,
    because: "most test suites fit, and a few at once do not exhaust a laptop",
    doc: "Resident memory (MiB) of one contained command and all its children; over it they are killed.",
    takenBy: ["server", "worker"],
  }),
  "sandbox.timeoutSeconds": setting({
    kind: whole({ min: 1, max: 86_400, argument: "<seconds>" }),
    default: 600,
    because: "longer than most test suites, short enough that a hung one frees its slot the same hour",
    doc: "Wall time of one contained command; past it the command is killed.",
    takenBy: ["server", "worker"],
  }),
  "worker.concurrency": setting({
    kind: optional(whole({ min: 1, max: limits.creditMax })),
    default: undefined,
    because: "each role knows best: unset, its own `concurrency` counts",
    doc: "Tasks that one worker runs at once, in place of the role's own number.",
    flag: "concurrency",
    takenBy: ["server", "worker"],
  }),
  "worker.idleSecondsMax": setting({
    kind: optional(whole({ min: 1, max: 86_400, argument: "<seconds>" })),
    default: undefined,
    because: "servers stay; a Job of Kubernetes is to end when there is no work for it",
    doc: "The process drains and ends when its workers have had nothing to do for this long.",
    takenBy: ["server"],
  }),
  "worker.labels": setting({
    kind: labels({ labelsMax: limits.labelsMax, bytesMax: limits.labelBytesMax }),
    default: {},
    because: "one kind of machine needs none",
    doc: "What this process's workers have, such as gpu=h100: tasks that ask for worker labels are given to those that have them all.",
    flag: "label",
    takenBy: ["server", "worker"],
  }),
  "drain.timeoutSeconds": setting({
    kind: whole({ min: 0, max: 3_600, argument: "<seconds>" }),
    default: 25,
    because:
      "Kubernetes kills a pod 30 s after it was told to stop: that leaves 5 s to hand tasks back and to close the store",
    doc: "How long a stopping process lets running tasks finish before it hands them back to the queue.",
    takenBy: ["server", "worker"],
  }),
  "client.server": setting({
    kind: text(
      "HOST:PORT, several of them separated by commas, `dns:///NAME:PORT`, `xds:///ROLE` or `unix:PATH`",
      "<address>",
      /^(dns:\/\/|unix:|xds:\/\/\/)\S+$|^(?!\w+:\/\/)\S+:\d{1,5}$/,
    ),
    default: clientDefaults.server,
    because: "where `agentmesh up` listens on the same machine",
    doc: "The gRPC address of the mesh that a command talks to.",
    flag: "server",
    takenBy: ["client", "worker"],
  }),
  "client.timeoutSeconds": setting({
    kind: whole({ min: 1, max: 86_400, argument: "<seconds>" }),
    default: clientDefaults.timeoutMs / 1_000,
    because: "a store that fails over is back by then; a call that hangs longer is better tried again",
    doc: "The deadline of one call; waiting for a task's end and watching are not bound by it.",
    flag: "timeout-seconds",
    takenBy: ["client"],
  }),
  ...scalerSettings,
  ...discoverySettings,
  "roles.modules": setting({
    kind: paths(),
    default: [],
    because: "the shipped roles need no setting",
    doc: "Your own role modules: each file's default export is a role or a list of roles.",
    flag: "role-module",
    takenBy: ["server", "worker", "client"],
  }),
});

export type SettingName = keyof typeof settings;

type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;
type SectionOf<Name> = Name extends `${infer Section}.${string}` ? Section : never;

/** The settings' values by section: `config.server.httpPort`. Frozen, made once, passed on. */
export type Config = {
  readonly [Section in SectionOf<SettingName>]: {
    readonly [Name in SettingName as Name extends `${Section}.${infer Key}` ? Key : never]: ValueOf<
      (typeof settings)[Name]
    >;
  };
};

export type LogLevelSetting = Config["log"]["level"];
export type LogFormat = Config["log"]["format"];

export const settingNames = Object.freeze(Object.keys(settings) as SettingName[]);
