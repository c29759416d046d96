/** KEDA by TLS, with and without a certificate of its own. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { agentmesh, cleanUp, freshDirectory, startUp, type Up } from "../../cli/cli.ts";
import { Keda } from "./keda.ts";

const directory = freshDirectory();
const at = (name: string) => join(directory, name);
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });

/** A certificate that the test's own authority has signed. */
function certify(name: string): void {
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2"];
  openssl("req", "-x509", ...key, ...subject, ...signed, "-out", `${name}.crt`);
}

let up: Up;
let address: string;
const isThere = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!isThere)("a scaler by TLS (needs openssl)", () => {
  beforeAll(async () => {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      "2",
      "-subj",
      "/CN=ca",
    );
    certify("server");
    certify("keda");
    const tls = ["--scaler-tls-cert", at("server.crt"), "--scaler-tls-key", at("server.key")];
    up = await startUp(["--scaler-tls-port", "0", ...tls, "--scaler-tls-client-ca", at("ca.crt")]);
    const line = await up.line(/serving KEDA's scaler by TLS/);
    address = (JSON.parse(line) as { address: string }).address;
  });
  afterAll(cleanUp);

  const file = (name: string) => readFileSync(at(name));

  test("who has a certificate is answered", async () => {
    const creds = credentials.createSsl(file("ca.crt"), file("keda.key"), file("keda.crt"));
    const keda = new Keda(address, { role: "testing" }, creds);
    onTestFinished(() => keda.close());
    expect(await keda.poll()).toEqual({ metric: 0, active: false });
  });

  test.each([
    ["has none", () => credentials.createSsl(file("ca.crt"))],
    ["does not speak TLS", () => credentials.createInsecure()],
  ])("who %s is not", async (_, creds) => {
    const keda = new Keda(address, { role: "testing" }, creds());
    onTestFinished(() => keda.close());
    await expect(keda.poll()).rejects.toMatchObject({ code: 14 });
  });

  test.each([
    [[], /scaler\.tlsPort needs scaler\.tlsCert/],
    [["--scaler-tls-cert", "/nowhere.crt"], /scaler\.tlsCert: .*\/nowhere\.crt/],
  ] as const)("a port with %j cannot be served", async (args, says) => {
    const ports = ["--grpc-port", "0", "--http-port", "0", "--metrics-port", "0", "--health-port", "0"];
    const ran = await agentmesh(["up", ...ports, "--scaler-tls-port", "0", ...args], {
      cwd: freshDirectory(),
    });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(says)]);
  });
});
