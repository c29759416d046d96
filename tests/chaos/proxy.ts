/**
 * A TCP proxy whose connections can be cut and kept from carrying anything: the network between two processes of a mesh.
 * It lives in the process that makes the faults, so none of them ends it.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * What becomes of what arrives. `hold`: it is kept, and forwarded once the proxy passes again, as after a partition that heals.
 * `swallow`: it is accepted and lost. `deafen`: what the server answers is lost, and what it is asked arrives.
 */
export type ProxyMode = "pass" | "hold" | "swallow" | "deafen";

type Direction = "asked" | "answered";

/** One connection through the proxy: its two ends, and what is held for each. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #held: { to: Socket; chunk: Buffer }[] = [];
  #mode: ProxyMode;
  /** Bytes that were lost: with any, the connection cannot go on. */
  lostBytes = 0;

  constructor(near: Socket, far: Socket, mode: ProxyMode) {
    this.#near = near;
    this.#far = far;
    this.#mode = mode;
    this.#join(near, far, "asked");
    this.#join(far, near, "answered");
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
    if (mode !== "pass") return;
    if (this.lostBytes > 0) this.cut();
    else for (const { to, chunk } of this.#held.splice(0)) to.write(chunk);
  }

  /** A reset at both ends, as of a host that has forgotten the connection. */
  cut(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #join(from: Socket, to: Socket, direction: Direction): void {
    from.on("data", (chunk: Buffer) => this.#carry(from, to, direction, chunk));
    // Whoever ends a connection ends both parts of it; the loss of one end is told to the other as a reset.
    from.on("error", () => this.cut());
    from.on("close", () => this.cut());
  }

  #carry(from: Socket, to: Socket, direction: Direction, chunk: Buffer): void {
    if (this.#mode === "hold") this.#held.push({ to, chunk });
    else if (this.#mode === "swallow" || (this.#mode === "deafen" && direction === "answered"))
      this.lostBytes += chunk.length;
    else if (!to.write(chunk)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  }
}

export class TcpProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  #mode: ProxyMode = "pass";

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** Listens on a free port of the loopback and leads to `targetPort` there, whether or not anything listens on it yet. */
  static async to(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Bytes of the connections there are that will reach nobody. */
  get lostBytes(): number {
    return [...this.#pairs].reduce((sum, { lostBytes }) => sum + lostBytes, 0);
  }

  /** Connections that are made in another mode than `pass` are accepted, and reach nobody until it passes again. */
  set mode(mode: ProxyMode) {
    this.#mode = mode;
    for (const pair of this.#pairs) pair.mode = mode;
  }

  cut(): void {
    for (const pair of this.#pairs) pair.cut();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(near: Socket): void {
    near.setNoDelay(true);
    const far = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
    const pair = new Pair(near, far, this.#mode);
    this.#pairs.add(pair);
    far.once("close", () => this.#pairs.delete(pair));
  }
}
