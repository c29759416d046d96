/**
 * A process that works for every role of the run: `worker.ts NAME ADDRESS HISTORY`. Its workers are those of `agentmesh serve`;
 * what comes over their connection is written down.
 */
import { Heartbeat } from "../../../src/agent/heartbeat.ts";
import { Worker } from "../../../src/agent/worker.ts";
import { MeshClient } from "../../../src/client/mesh-client.ts";
import { createLogger } from "../../../src/core/log.ts";
import { HistoryFile } from "../history.ts";
import { workRoles } from "../roles.ts";
import { RecordedConnection } from "./recorded-connection.ts";

const [name, address, path] = process.argv.slice(2) as [string, string, string];
const history = new HistoryFile(path);
const shared = {
  connection: new RecordedConnection(address, history),
  mesh: new MeshClient({ server: address }),
  heartbeat: new Heartbeat(address),
  version: "chaos",
  labels: {},
  sandbox: () => Promise.reject(new Error("no sandbox here")),
};
const log = createLogger({ level: "error", format: "json" });

for (const role of workRoles) {
  const run: typeof role.run = (input, task) => {
    history.add({ what: "started", taskId: task.id, attempt: task.attempt });
    return role.run(input, task);
  };
  const workerId = `${role.name}@${name}`;
  new Worker({ ...shared, role: { ...role, run }, workerId, log: log.child({ role: role.name }) }).start();
}
