/** Renders keda/ from the list of roles: a file for each ScaledObject, the ScaledJob of long inference, the credentials of TLS. Pure. */
import { stringify } from "yaml";
import type { FleetRole } from "../fleet.ts";
import { inferenceJob } from "./scaled-job.ts";
import { scaledObjectOf } from "./scaled-objects.ts";
import { triggerAuthentication } from "./trigger-authentication.ts";

const head =
  "# Rendered from the list of roles by `make manifests`; docs/scaling.md says what each field does.\n";

/** Texts by their path in the repository. */
export function renderKeda(fleet: readonly FleetRole[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const role of fleet) files.set(`keda/${role.name}.yaml`, head + stringify(scaledObjectOf(role)));
  files.set("keda/jobs/inference.yaml", head + jobWords + stringify(inferenceJob()));
  files.set("keda/tls/trigger-authentication.yaml", head + tlsWords + stringify(triggerAuthentication()));
  return files;
}

const jobWords = `# In place of inference.yaml, where a task takes hours: each runs in a Job of its own, which nothing scales away. KEDA polls for
# it: jobs cannot be pushed for.
`;

const tlsWords = `# For a scaler that serves TLS (scaler.tlsPort): name it in each trigger's authenticationRef, and set enableTLS: "true".
`;
