/** A redis-server of a benchmark's own that ends with it, however it ends. */
import { RedisServer, type RedisServerOptions } from "../../tests/support/redis.ts";

export async function startRedis(options: RedisServerOptions): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  process.once("exit", () => void server.kill());
  return server;
}
