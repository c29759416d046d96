/** keda/ is what the list of roles makes of it, and KEDA takes it. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ScaledJob, ScaledObject, TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { fleetOf } from "../../src/deploy/fleet.ts";
import { renderKeda } from "../../src/deploy/keda/render.ts";
import { roles } from "../../src/roles/index.ts";
import { scaledRoleOf } from "../../src/scaling/external/metadata.ts";
import { readScaledObject } from "../../src/scaling/scaled-object.ts";

const root = join(import.meta.dirname, "../..");
const fleet = fleetOf(roles);
const committed = new Map(
  globSync("keda/**/*.yaml", { cwd: root }).map((path) => [path, readFileSync(join(root, path), "utf8")]),
);

test("is fresh: run `make manifests` after a change of roles", () => {
  expect(new Map([...committed].sort())).toEqual(new Map([...renderKeda(fleet)].sort()));
});

test("has every role within its bounds", () => {
  const bounds = Object.fromEntries(fleet.map(({ name, scale }) => [name, `${scale.min}–${scale.max}`]));
  expect(bounds).toMatchObject({
    coding: "5–100",
    testing: "8–200",
    security: "6–150",
    compliance: "4–100",
    documentation: "3–50",
    discovery: "2–20",
    orchestrator: "3–20",
  });
  for (const { name } of [...roles, { name: "inference" }]) expect(bounds).toHaveProperty(name);
});

const models = { ScaledObject, ScaledJob, TriggerAuthentication };

describe.each([...committed])("%s", (path, text) => {
  test("is what KEDA's schema says", () => {
    const object = parse(text) as { kind: keyof typeof models };
    new models[object.kind](object as never).validate();
  });

  const isScaledObject = text.includes("kind: ScaledObject");

  test.skipIf(!isScaledObject)("is one that we could scale by ourselves (of ScaledObjects alone)", () => {
    const { role, spec, metadata } = readScaledObject(text, path);
    const { scale } = fleet.find(({ name }) => name === role) ?? {};
    expect(spec).toMatchObject({ minReplicas: scale?.min, maxReplicas: scale?.max });
    const scales = new Map(fleet.map((one) => [one.name, one.scale]));
    expect(scaledRoleOf(metadata, scales)).toEqual({ role, settings: scale });
  });
});

describe("a ScaledObject is refused", () => {
  const good = committed.get("keda/coding.yaml") ?? "";
  test.each([
    [
      "minReplicaCount: 5",
      "minReplicaCount: 500",
      /coding\.yaml:\d+: spec\.maxReplicaCount: is 100, less than minReplicaCount, 500/,
    ],
    [
      "pollingInterval: 15",
      "polingInterval: 15",
      /spec\.polingInterval: unknown field; did you mean "pollingInterval"/,
    ],
    ["replicas: 25", "replicas: 101", /spec\.fallback\.replicas: is 101, more than maxReplicaCount, 100/],
    ["replicas: 25", "replicas: 0", /spec\.fallback\.replicas/],
    [
      "  labels:",
      '  annotations: { autoscaling.keda.sh/paused: "true" }\n  labels:',
      /metadata\.annotations: has autoscaling\.keda\.sh\/paused/,
    ],
    ["role: coding\n", "\n", /spec\.triggers\.0\.metadata: names no role/],
    ["local:9090", "local", /needs a scalerAddress of HOST:PORT/],
    ["type: external-push", "type: cron", /spec\.triggers\.0\.type/],
    ["    name: coding\n  polling", "    name: codng\n  polling", /spec\.scaleTargetRef\.name: is "codng"/],
    ["type: Pods", "type: Pod", /behavior\.scaleUp\.policies/],
    ["periodSeconds: 60", "periodSeconds: 0", /periodSeconds/],
  ])("where %j is %j", (from, to, says) => {
    expect(good).toContain(from);
    expect(() => readScaledObject(good.replace(from, to), "coding.yaml")).toThrow(says);
  });

  test("without triggers, or with two", () => {
    const [head] = good.split("  triggers:");
    expect(() => readScaledObject(`${head}  triggers: []\n`, "coding.yaml")).toThrow(
      /must be the one trigger/,
    );
  });
});

test("what is left out has KEDA's and the API server's defaults", () => {
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: coding }
spec:
  scaleTargetRef: { name: coding }
  advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { selectPolicy: Disabled } } } }
  triggers: [{ type: external, metadata: { role: coding, scalerAddress: "scaler:9090" } }]
`;
  const { spec } = readScaledObject(text, "coding.yaml");
  expect(spec).toMatchObject({
    minReplicas: 0,
    maxReplicas: 100,
    pollingMs: 30_000,
    cooldownMs: 300_000,
    initialCooldownMs: 0,
    fallback: undefined,
  });
  expect(spec.behavior?.scaleUp).toMatchObject({ stabilizationWindowSeconds: 0, selectPolicy: "Max" });
  expect(spec.behavior?.scaleDown).toMatchObject({
    stabilizationWindowSeconds: 300,
    selectPolicy: "Disabled",
  });
  expect(readScaledObject(text.replace(/ {2}advanced.*\n/, ""), "coding.yaml").spec.behavior).toBeUndefined();
});
