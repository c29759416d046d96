/**
 * Templates in inputs: a string may hold ${{ NAME.PATH }}, replaced by a value from a scope of names. A string that is one
 * template takes the value as it is, of whatever type; within a longer string the value is written as text. Pure.
 */
const anyTemplate = /\$\{\{\s*(.*?)\s*\}\}/gs;
const wholeTemplate = /^\$\{\{\s*((?:(?!\}\}).)*?)\s*\}\}$/s;
const reference = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;

/** A fault in a template; `path` is where in the input, such as `input.sections.tests`. */
export class TemplateFault extends Error {
  override readonly name = "TemplateFault";
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.path = path;
  }
}

export interface TemplateReference {
  /** The first part: a parent's name, or `inputs`. */
  readonly root: string;
  /** The whole, as written. */
  readonly text: string;
  /** Where in the value it stands. */
  readonly path: string;
}

/** Every reference in a value; throws {@link TemplateFault} for one that is malformed. */
export function templateReferences(value: unknown, path = "input"): TemplateReference[] {
  if (typeof value === "string")
    return [...value.matchAll(anyTemplate)].map(([, text = ""]) => ({
      root: parse(text, path)[0],
      text,
      path,
    }));
  return children(value, path).flatMap(([child, childPath]) => templateReferences(child, childPath));
}

/**
 * The value with its templates replaced from `scope`. Names for which `renders` is false stay as they are, for a later pass.
 * Throws {@link TemplateFault} where a path leads nowhere.
 */
export function renderTemplates(
  value: unknown,
  scope: Readonly<Record<string, unknown>>,
  renders: (root: string) => boolean = () => true,
  path = "input",
): unknown {
  if (typeof value === "string") return renderText(value, scope, renders, path);
  if (Array.isArray(value))
    return value.map((element, index) => renderTemplates(element, scope, renders, `${path}[${index}]`));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      renderTemplates(member, scope, renders, `${path}.${key}`),
    ]),
  );
}

function renderText(
  text: string,
  scope: Readonly<Record<string, unknown>>,
  renders: (root: string) => boolean,
  path: string,
): unknown {
  const whole = wholeTemplate.exec(text)?.[1];
  if (whole !== undefined) {
    const keys = parse(whole, path);
    return renders(keys[0]) ? resolve(keys, scope, path) : text;
  }
  return text.replaceAll(anyTemplate, (template, inner: string) => {
    const keys = parse(inner, path);
    if (!renders(keys[0])) return template;
    const value = resolve(keys, scope, path);
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}

function parse(text: string, path: string): [string, ...string[]] {
  if (!reference.test(text))
    throw new TemplateFault(
      path,
      `"\${{ ${text} }}" is not a reference; write \${{ NAME.PATH }}, such as \${{ tests.counts }}`,
    );
  return text.split(".") as [string, ...string[]];
}

function resolve(keys: readonly string[], scope: Readonly<Record<string, unknown>>, path: string): unknown {
  let value: unknown = scope;
  for (const [depth, key] of keys.entries()) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, key))
      throw new TemplateFault(
        path,
        `\${{ ${keys.join(".")} }} leads nowhere: ${describe(keys, depth, value)}`,
      );
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function describe(keys: readonly string[], depth: number, value: unknown): string {
  const there = keys.slice(0, depth).join(".");
  const names =
    value !== null && typeof value === "object" ? Object.keys(value).slice(0, 12).join(", ") : undefined;
  if (depth === 0) return `there is no "${keys[0]}"; known are ${names || "no names"}`;
  return names === undefined
    ? `${there} is not an object`
    : `${there} has no "${keys[depth]}"; it has ${names || "nothing"}`;
}

function children(value: unknown, path: string): [unknown, string][] {
  if (Array.isArray(value)) return value.map((element, index) => [element, `${path}[${index}]`]);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).map(([key, member]) => [member, `${path}.${key}`]);
}
