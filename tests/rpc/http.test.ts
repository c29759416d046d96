import { once } from "node:events";
import { connect as dial } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { plain, startHttp } from "../../src/rpc/http.ts";
import { errorOf, Gate } from "../support/mesh.ts";

async function start(routes: Parameters<typeof startHttp>[0]["routes"]) {
  const listener = await startHttp({
    ...{ host: "127.0.0.1", port: 0, what: "health", portSetting: "server.healthPort" },
    routes,
  });
  onTestFinished(() => listener.close());
  return { listener, url: `http://127.0.0.1:${listener.port}` };
}

/** The first line of the answer to a request line that no client of HTTP would send. */
async function raw(port: number, requestLine: string): Promise<string> {
  const socket = dial(port, "127.0.0.1");
  socket.write(`${requestLine} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const [data] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return data.toString().split("\r\n")[0] ?? "";
}

test("answers its paths, and says which they are to others", async () => {
  const { url } = await start({ "/healthz": async () => plain(200, "ok") });
  expect(await (await fetch(`${url}/healthz?verbose=1`)).text()).toBe("ok\n");
  expect((await fetch(`${url}/healthz`, { method: "HEAD" })).status).toBe(200);
  expect((await fetch(`${url}/healthz`, { method: "POST" })).status).toBe(404);
  expect(await (await fetch(`${url}/nothing`)).text()).toContain("/healthz");
});

test("lives on after a path that is no URL", async () => {
  const { listener, url } = await start({ "/healthz": async () => plain(200, "ok") });
  for (const path of ["//", "///", "http://[", "*", "/\u00ff"])
    expect(await raw(listener.port, `GET ${path}`)).toMatch(/ 40[04] /);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("answers 500 where a route throws", async () => {
  const { url } = await start({
    "/healthz": async () => {
      throw new Error("store gone");
    },
  });
  expect((await fetch(`${url}/healthz`)).status).toBe(500);
});

test("closes though a client holds a connection without a request, and an answer does not come", async () => {
  const gate = new Gate();
  const { listener, url } = await start({ "/slow": () => gate.pass().then(() => plain(200, "ok")) });
  const silent = dial(listener.port, "127.0.0.1");
  await once(silent, "connect");
  const slow = fetch(`${url}/slow`).catch(() => "cut");
  await gate.reached();
  await listener.close();
  expect(await slow).toBe("cut");
  silent.destroy();
  gate.open();
});

test("names the setting of a port that is taken", async () => {
  const { listener } = await start({});
  const again = startHttp({
    ...{ host: "127.0.0.1", port: listener.port, what: "health", portSetting: "server.healthPort" },
    routes: {},
  });
  const error = await errorOf(again);
  expect([error.reason, error.message]).toEqual([
    "PORT_IN_USE",
    expect.stringContaining("server.healthPort"),
  ]);
});
