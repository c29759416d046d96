import { expect, test } from "vitest";
import { callPolicyDefault, callPolicyOf, rpcPoliciesOf } from "../../src/discovery/policy.ts";
import { readPolicy } from "../../src/discovery/read-policy.ts";

const read = (text: string) => readPolicy(text, "policy.yaml");

/** The fault that a text is refused for. */
function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

test("an empty file holds the defaults", () => {
  expect(callPolicyOf(read(""), "coding")).toEqual(callPolicyDefault);
  expect(callPolicyOf(read("# nothing yet\n"), "coding")).toEqual(callPolicyDefault);
});

test("a role's sections come over the defaults of the file field by field, an RPC's over the role's", () => {
  const policy = read(`
defaults:
  retries: { attemptsMax: 4, backoffMs: 20 }
  timeoutSeconds: 9
roles:
  coding:
    retries: { attemptsMax: 2 }
    rpcs:
      TaskService/GetTask: { retries: { backoffMsMax: 100 }, timeoutSeconds: 3 }
`);
  expect(callPolicyOf(policy, "testing").retries).toEqual({
    ...callPolicyDefault.retries,
    attemptsMax: 4,
    backoffMs: 20,
  });
  expect(callPolicyOf(policy, "coding").retries).toMatchObject({ attemptsMax: 2, backoffMs: 20 });
  const own = rpcPoliciesOf(policy, "coding").get("TaskService/GetTask");
  expect(own?.retries).toMatchObject({ attemptsMax: 2, backoffMs: 20, backoffMsMax: 100 });
  expect([own?.timeoutSeconds, callPolicyOf(policy, "coding").timeoutSeconds]).toEqual([3, 9]);
});

const refused: readonly [what: string, text: string, says: string][] = [
  [
    "an unknown field",
    "roles:\n  coding:\n    retrys: {}",
    'policy.yaml:3: roles.coding.retrys: unknown field; did you mean "retries"?',
  ],
  [
    "a value out of bounds",
    "defaults:\n  retries:\n    attemptsMax: 6",
    "policy.yaml:3: defaults.retries.attemptsMax",
  ],
  [
    "a delay of a second, which grpc-js reads as ten",
    "defaults: { retries: { backoffMs: 1000 } }",
    "backoffMs",
  ],
  ["broken YAML", "defaults: [", "policy.yaml:1"],
  ["a name that no role can have", "roles: { Coding!: {} }", "roles.Coding!: is no name of a role"],
  [
    "an RPC that is not there",
    "defaults:\n  rpcs:\n    TaskService/GetTsk: {}",
    'policy.yaml:3: defaults.rpcs.TaskService/GetTsk: there is no RPC "TaskService/GetTsk"; did you mean "TaskService/GetTask"',
  ],
  ["a ring hash without header", "roles: { coding: { balancing: { policy: ringHash } } }", "needs a header"],
  ["weights of 0 alone", 'roles: { coding: { versions: [{ version: "1", weight: 0 }] } }', "add up to 0"],
  [
    "a version with two weights",
    'roles:\n  coding:\n    versions:\n      - { version: "1", weight: 1 }\n      - { version: "1", weight: 2 }',
    'policy.yaml:5: roles.coding.versions.1: version "1" is there already',
  ],
  [
    "a longest delay below the first",
    "defaults: { retries: { backoffMs: 200, backoffMsMax: 100 } }",
    "defaults.retries.backoffMsMax: is 100, less than backoffMs, 200",
  ],
  [
    "a longest ejection below the first",
    "defaults: { outlierDetection: { ejectionSeconds: 20, ejectionSecondsMax: 10 } }",
    "ejectionSecondsMax: is 10, less than ejectionSeconds, 20",
  ],
  [
    "retries of a stream",
    "defaults: { rpcs: { TaskService/WatchTask: { retries: { attemptsMax: 2 } } } }",
    "streams are not tried again",
  ],
  [
    "versions for every role at once",
    'defaults: { versions: [{ version: "1", weight: 1 }] }',
    "unknown field",
  ],
  ["a header with capitals", "defaults: { balancing: { header: X-Session } }", "in lower case"],
];

for (const [what, text, says] of refused)
  test(`${what} is refused with its place and the reason`, () => expect(refusal(text)).toContain(says));

test("every fault is told at once", () => {
  const said = refusal("defaults:\n  retries: { attemptsMax: 0 }\n  timeoutSeconds: -1");
  expect(said).toContain("attemptsMax");
  expect(said).toContain("timeoutSeconds");
});
