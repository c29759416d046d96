/**
 * Templates in inputs: a string may hold ${{ NAME.PATH }}, replaced by a value from a scope of names. A string that is one
 * template takes the value as it is, of whatever type; within a longer string the value is written as text. Pure.
 */
const reference = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;
/** Characters of a malformed template that an error repeats. */
const shownMax = 80;

interface Template {
  /** What stands between the braces, trimmed. */
  readonly inner: string;
  readonly start: number;
  /** The place after the closing braces. */
  readonly end: number;
}

/** The templates of a text, by one look at each character: an opening that is never closed is plain text. */
function* templatesIn(text: string): Generator<Template> {
  for (let from = 0; ; ) {
    const start = text.indexOf("${{", from);
    const close = start < 0 ? -1 : text.indexOf("}}", start + 3);
    if (close < 0) return;
    from = close + 2;
    yield { inner: text.slice(start + 3, close).trim(), start, end: from };
  }
}

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
    return [...templatesIn(value)].map(({ inner }) => ({ root: parse(inner, path)[0], text: inner, path }));
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
  let written = "";
  let told = 0;
  for (const { inner, start, end } of templatesIn(text)) {
    const keys = parse(inner, path);
    const isWhole = start === 0 && end === text.length;
    if (isWhole) return renders(keys[0]) ? resolve(keys, scope, path) : text;
    if (!renders(keys[0])) continue;
    const value = resolve(keys, scope, path);
    written += text.slice(told, start) + (typeof value === "string" ? value : JSON.stringify(value));
    told = end;
  }
  return written + text.slice(told);
}

function parse(text: string, path: string): [string, ...string[]] {
  if (!reference.test(text))
    throw new TemplateFault(
      path,
      `"\${{ ${text.slice(0, shownMax)} }}" is not a reference; write \${{ NAME.PATH }}, such as \${{ tests.counts }}`,
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
