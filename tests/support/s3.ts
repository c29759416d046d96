/** A real server that speaks S3, versitygw, of a test's own: on a free port of the loopback, over a directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type S3BodiesOptions, s3Bodies } from "../../src/queue/bodies/s3.ts";
import { freePort } from "./ports.ts";
import { temporaryDirectory } from "./sqlite.ts";

export const s3Missing = "versitygw is missing: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0";

/** Where versitygw is; undefined: nowhere that is looked in. */
function binary(): string | undefined {
  const places = [...(process.env.PATH ?? "").split(delimiter), join(homedir(), "go", "bin")];
  return places
    .map((place) => join(place, "versitygw"))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export class S3Server {
  readonly options: Omit<S3BodiesOptions, "prefix">;
  readonly #directory = temporaryDirectory();
  readonly #binary: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(path: string, port: number) {
    this.#binary = path;
    this.#port = port;
    this.options = {
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      bucket: "bodies",
      accessKeyId: "test-key",
      secretAccessKey: "test-secret",
    };
    mkdirSync(join(this.#directory, this.options.bucket));
  }

  /** Undefined where versitygw is missing. */
  static async start(): Promise<S3Server | undefined> {
    const path = binary();
    if (path === undefined) return undefined;
    const server = new S3Server(path, await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const { accessKeyId, secretAccessKey, region } = this.options;
    const access = ["--access", accessKeyId, "--secret", secretAccessKey, "--region", region];
    const port = ["--port", `127.0.0.1:${this.#port}`];
    this.#process = spawn(this.#binary, [...access, ...port, "posix", this.#directory], { stdio: "ignore" });
    const bodies = s3Bodies({ ...this.options, prefix: "" });
    const end = performance.now() + 20_000;
    for (;;) {
      const fault = await bodies.ping().then(() => undefined, String);
      if (fault === undefined) return;
      if (performance.now() > end) throw new Error(`versitygw does not answer: ${fault}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the server at once; its objects stay. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
