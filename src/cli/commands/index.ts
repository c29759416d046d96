/** The one list of commands, in the order of `--help`. A command's file is loaded when it is asked for. */
import type { Command } from "commander";

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Its heading in `--help`. */
  readonly group: string;
  readonly load: () => Promise<{ command(): Command }>;
}

const start = "Start a mesh:";
const work = "Give it work:";
const look = "Look at it:";
const tend = "See to its queues:";
/** Of the command `help`. */
export const helpGroup = look;

export const commands: readonly CommandEntry[] = Object.freeze([
  {
    name: "demo",
    summary: "Review a repository with a mesh of its own, start to end",
    group: start,
    load: () => import("./demo.ts"),
  },
  { name: "up", summary: "Start every role in one process", group: start, load: () => import("./up.ts") },
  {
    name: "serve",
    summary: "Start one role, as a pod does",
    group: start,
    load: () => import("./serve.ts"),
  },
  {
    name: "doctor",
    summary: "Check that this machine has what a mesh needs",
    group: start,
    load: () => import("./doctor.ts"),
  },
  { name: "submit", summary: "Give a role a task", group: work, load: () => import("./submit.ts") },
  { name: "run", summary: "Run a workflow", group: work, load: () => import("./run.ts") },
  {
    name: "cancel",
    summary: "End a task or a workflow",
    group: work,
    load: () => import("./cancel.ts"),
  },
  {
    name: "retry",
    summary: "Put a failed or canceled task back in its queue",
    group: work,
    load: () => import("./retry.ts"),
  },
  {
    name: "watch",
    summary: "Follow a task or a workflow to its end",
    group: look,
    load: () => import("./watch.ts"),
  },
  { name: "get", summary: "Show a task or a workflow", group: look, load: () => import("./get.ts") },
  { name: "list", summary: "List tasks, newest first", group: look, load: () => import("./list.ts") },
  {
    name: "explain",
    summary: "Say why a task waits",
    group: look,
    load: () => import("./explain.ts"),
  },
  { name: "queues", summary: "Show each role's queue", group: look, load: () => import("./queues.ts") },
  {
    name: "instances",
    summary: "Show which replicas of roles live, and where",
    group: look,
    load: () => import("./instances.ts"),
  },
  {
    name: "roles",
    summary: "List the roles, or show what one takes and gives",
    group: look,
    load: () => import("./roles.ts"),
  },
  {
    name: "discovery",
    summary: "Show where replicas are, and what clients are told of them",
    group: look,
    load: () => import("./discovery.ts"),
  },
  {
    name: "scale",
    summary: "Show how many replicas roles want and have, and why",
    group: look,
    load: () => import("./scale.ts"),
  },
  {
    name: "simulate",
    summary: "Try a fleet's scale out in virtual time",
    group: look,
    load: () => import("./simulate.ts"),
  },
  {
    name: "configure",
    summary: "Limit what a queue may run and start",
    group: tend,
    load: () => import("./configure.ts"),
  },
  {
    name: "pause",
    summary: "Hand out no more of a queue's tasks",
    group: tend,
    load: () => import("./pause.ts"),
  },
  { name: "resume", summary: "Undo a pause", group: tend, load: () => import("./resume.ts") },
  {
    name: "redrive",
    summary: "Put a queue's failed tasks back",
    group: tend,
    load: () => import("./redrive.ts"),
  },
  { name: "purge", summary: "Delete a queue's tasks", group: tend, load: () => import("./purge.ts") },
]);
