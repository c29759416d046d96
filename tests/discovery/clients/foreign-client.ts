/** A client of another language in a process of its own, to which the test says when and how often it calls. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { GetTaskResponse } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { bootstrapOf } from "../../../src/client/xds/bootstrap.ts";

/** What became of some calls. */
export interface Told {
  /** Ports of the replicas that answered, and how often. */
  readonly answers: Readonly<Record<string, number>>;
  /** By what the client says of them. */
  readonly errors: Readonly<Record<string, number>>;
}

export class ForeignClient implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #exit: Promise<unknown[]>;
  #stderr = "";

  constructor(command: readonly [string, ...string[]], controlPlanePort: number) {
    const [program, ...args] = command;
    const bootstrap = bootstrapOf({
      controlPlanes: [`127.0.0.1:${controlPlanePort}`],
      nodeId: program,
      place: { region: "", zone: "", subZone: "" },
    });
    const env = { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) };
    this.#child = spawn(program, args, { env });
    this.#exit = once(this.#child, "exit");
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async call(calls: number, headers: Readonly<Record<string, string>> = {}): Promise<Told> {
    this.#child.stdin.write(`${JSON.stringify({ calls, headers })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the client has ended, ${(await this.#exit).join(" ")}: ${this.#stderr}`);
    const { answers, errors } = JSON.parse(value) as Told;
    return { errors, answers: Object.fromEntries(Object.entries(answers).map(byPort)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }
}

function byPort([bytes, count]: [string, number]): [string, number] {
  return [GetTaskResponse.decode(Buffer.from(bytes, "base64")).task?.workerId ?? "", count];
}
