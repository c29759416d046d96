/** A traffic policy from its file: YAML, checked by its shape and by the rules. */
import { readYaml } from "../core/yaml.ts";
import { TrafficPolicy } from "./policy.ts";
import { policyRules } from "./policy-rules.ts";

/** Throws INVALID_POLICY that names the file, the line, the field and the reason of each fault. */
export function readPolicy(text: string, file: string): TrafficPolicy {
  return readYaml({
    text,
    file,
    schema: TrafficPolicy,
    reason: "INVALID_POLICY",
    rules: (policy) => policyRules.flatMap((rule) => rule(policy)),
  });
}
