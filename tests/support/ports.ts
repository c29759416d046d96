/** Ports for servers that a test takes down and brings up again. */
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that the system gives to outgoing connections: one of these might take the port while its server is down. */
const range = { from: 15_000, to: 32_000 };

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from));
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await Promise.race([
      once(server, "listening").then(() => true),
      once(server, "error").then(() => false),
    ]).catch(() => false);
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
