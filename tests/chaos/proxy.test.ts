import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TcpProxy } from "./proxy.ts";

let server: Server;
let proxy: TcpProxy;
/** What the server was asked. */
let asked: string;
const clients: Socket[] = [];

beforeEach(async () => {
  asked = "";
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      asked += chunk;
      socket.write(`(${chunk})`);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await TcpProxy.to((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  server.close();
});

/** A client that has been answered once. */
async function open(): Promise<{ socket: Socket; heard: () => string; ended: Promise<string> }> {
  const [host, port] = proxy.address.split(":");
  const socket = connect(Number(port), host);
  clients.push(socket);
  let heard = "";
  socket.on("data", (chunk) => {
    heard += chunk;
  });
  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    socket.on("close", () => resolve("closed"));
  });
  socket.write("hello");
  await expect.poll(() => heard).toBe("(hello)");
  return { socket, heard: () => heard, ended };
}

test("passes what is said both ways, and ends with its client", async () => {
  const { socket } = await open();
  expect(proxy.connections).toBe(1);
  socket.end();
  await expect.poll(() => proxy.connections).toBe(0);
});

test("cuts with a reset", async () => {
  const { ended } = await open();
  proxy.cut();
  expect(await ended).toBe("ECONNRESET");
});

test("delivers what it held once it passes again", async () => {
  const { socket, heard } = await open();
  proxy.mode = "hold";
  socket.write("late");
  const other = await new Promise<Socket>((resolve) => {
    const [host, port] = proxy.address.split(":");
    const made = connect(Number(port), host, () => resolve(made));
    clients.push(made);
  });
  other.write("new");
  await expect.poll(() => socket.bytesWritten + other.bytesWritten).toBe("hellolatenew".length);
  expect(asked).toBe("hello");
  proxy.mode = "pass";
  await expect.poll(() => heard()).toBe("(hello)(late)");
  await expect.poll(() => asked).toContain("new");
});

test("loses what it swallowed, and the connection with it", async () => {
  const { socket, heard, ended } = await open();
  proxy.mode = "swallow";
  socket.write("lost");
  await expect.poll(() => proxy.lostBytes).toBe("lost".length);
  proxy.mode = "pass";
  expect(await ended).toBe("ECONNRESET");
  expect(asked + heard()).toBe("hello(hello)");
});

test("deafened, lets questions through and loses the answers", async () => {
  const { socket, heard, ended } = await open();
  proxy.mode = "deafen";
  socket.write("done?");
  await expect.poll(() => proxy.lostBytes).toBe("(done?)".length);
  proxy.mode = "pass";
  expect(await ended).toBe("ECONNRESET");
  expect(asked).toBe("hellodone?");
  expect(heard()).toBe("(hello)");
});

test("resets a client whose server is gone", async () => {
  server.close();
  await once(server, "close");
  const [host, port] = proxy.address.split(":");
  const socket = connect(Number(port), host);
  clients.push(socket);
  const [error] = await once(socket, "error");
  expect((error as NodeJS.ErrnoException).code).toBe("ECONNRESET");
});
