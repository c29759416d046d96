// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is tested are the templates that an input's strings hold
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderTemplates, TemplateFault, templateReferences } from "../../../src/queue/service/template.ts";

const scope = {
  tests: { passed: 3, faults: [], name: "vitest", deep: { er: { est: true } }, none: null },
  title: "Nightly",
  count: 7,
  list: [1, 2],
};

describe("rendering", () => {
  test.each([
    ["a whole template takes the value as it is", "${{ tests.faults }}", []],
    ["whatever the spaces", "${{tests.passed}}", 3],
    ["and lines", "${{\n tests.passed \t}}", 3],
    ["an object", "${{ tests.deep }}", { er: { est: true } }],
    ["a path of several steps", "${{ tests.deep.er.est }}", true],
    ["null", "${{ tests.none }}", null],
    ["an element of a list", "${{ list.1 }}", 2],
    ["within a text, strings are written as they are", "on ${{ title }}!", "on Nightly!"],
    [
      "and other values as JSON",
      "${{ count }} of ${{ list }}, ${{ tests.deep }}",
      '7 of [1,2], {"er":{"est":true}}',
    ],
    ["two that touch", "${{ count }}${{ count }}", "77"],
    ["a space before makes it a text", " ${{ count }}", " 7"],
    ["one that is never closed is plain text", "${{ count", "${{ count"],
    ["braces alone are plain text", "{{ count }} $ {{ }}", "{{ count }} $ {{ }}"],
    ["no template", "plain", "plain"],
    ["the empty text", "", ""],
  ])("%s", (_, input, wanted) => {
    expect(renderTemplates(input, scope)).toEqual(wanted);
  });

  test("goes through objects and lists; keys and other values stay", () => {
    const input = { "${{ count }}": ["${{ count }}", 5, null, true, { in: "n=${{ count }}" }] };
    expect(renderTemplates(input, scope)).toEqual({ "${{ count }}": [7, 5, null, true, { in: "n=7" }] });
  });

  test("what was rendered is not rendered again", () => {
    expect(renderTemplates("a ${{ x }}", { x: "${{ y }}" })).toBe("a ${{ y }}");
  });

  test("names that a later pass renders stay as they are", () => {
    const renders = (root: string) => root === "count";
    expect(renderTemplates("${{ count }}+${{  title }}", scope, renders)).toBe("7+${{  title }}");
    expect(renderTemplates("${{ title }}", scope, renders)).toBe("${{ title }}");
  });
});

describe("faults", () => {
  test.each([
    [
      "${{ missing }}",
      'input: ${{ missing }} leads nowhere: there is no "missing"; known are tests, title, count, list',
    ],
    ["${{ tests.nope }}", 'tests has no "nope"; it has passed, faults, name, deep, none'],
    ["${{ title.length }}", "title is not an object"],
    ["${{ tests.none.x }}", "tests.none is not an object"],
    ["${{ list.9 }}", 'list has no "9"'],
    ["${{ }}", '"${{  }}" is not a reference'],
    ["${{ a b }}", "is not a reference"],
    ["${{ .a }}", "is not a reference"],
    ["${{ a. }}", "is not a reference"],
    ["${{ a..b }}", "is not a reference"],
    ["${{ 1 }}", "is not a reference"],
    ["${{ ${{ count }} }}", "is not a reference"],
  ])("%s", (input, wanted) => {
    expect(() => renderTemplates(input, scope)).toThrow(TemplateFault);
    expect(() => renderTemplates(input, scope)).toThrow(wanted);
  });

  test.each([
    "__proto__",
    "constructor",
    "toString",
    "tests.__proto__",
    "tests.constructor.name",
    "list.length",
  ])("what an object only inherits is not there: %s", (name) => {
    const text = `\${{ ${name} }}`;
    if (name === "list.length") expect(renderTemplates(text, scope)).toBe(2);
    else expect(() => renderTemplates(text, scope)).toThrow("leads nowhere");
  });

  test("a key called __proto__ stays a key", () => {
    const input = JSON.parse('{"__proto__": {"x": "${{ count }}"}}');
    const rendered = renderTemplates(input, scope) as object;
    expect(Object.keys(rendered)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(rendered)).toBe(Object.prototype);
  });

  test("the path says where in the input", () => {
    expect(() => renderTemplates({ a: [{ b: "${{ x }}" }] }, scope)).toThrow(/^input\.a\[0\]\.b: /);
    expect(() => templateReferences({ a: [{ b: "${{ - }}" }] })).toThrow(/^input\.a\[0\]\.b: /);
  });
});

describe("references", () => {
  test("every one, with its root and place", () => {
    const value = { sum: "${{ a.x }} and ${{ b }}", list: ["${{ a.y }}"], n: 1, none: null };
    expect(templateReferences(value)).toEqual([
      { root: "a", text: "a.x", path: "input.sum" },
      { root: "b", text: "b", path: "input.sum" },
      { root: "a", text: "a.y", path: "input.list[0]" },
    ]);
  });
});

describe("properties", () => {
  const name = fc.stringMatching(/^[A-Za-z_][\w-]{0,8}$/);
  const json = fc.jsonValue();

  test("a whole template answers with any value", () => {
    fc.assert(
      fc.property(name, json, (key, value) => {
        expect(renderTemplates(`\${{ ${key} }}`, Object.fromEntries([[key, value]]))).toStrictEqual(value);
      }),
    );
  });

  test("texts without an opening come back as they are", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("${{")),
        (text) => {
          expect(renderTemplates(text, {})).toBe(text);
          expect(templateReferences(text)).toEqual([]);
        },
      ),
    );
  });

  test("plain pieces and templates in any order are written in that order", () => {
    const piece = fc.oneof(
      fc
        .string()
        .filter((text) => !/[${}]/.test(text))
        .map((text) => ({ written: text, means: text })),
      fc.constant({ written: "${{ v.w }}", means: "W" }),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 2 }), (pieces) => {
        const text = `:${pieces.map(({ written }) => written).join("")}`;
        const wanted = `:${pieces.map(({ means }) => means).join("")}`;
        expect(renderTemplates(text, { v: { w: "W" } })).toBe(wanted);
      }),
    );
  });

  test("any text renders or is told as a fault", () => {
    const bits = fc.array(fc.constantFrom("${{", "}}", " ", "a", ".", "$", "{", "}", "\n"), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(bits, (parts) => {
        try {
          renderTemplates(parts.join(""), { a: 1 });
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateFault);
        }
      }),
    );
  });
});

test.each([
  ["openings", "${{".repeat(200_000)],
  ["an opening and spaces", `\${{${" ".repeat(500_000)}`],
  ["an opening, spaces and a letter, again and again", `\${{ x${" ".repeat(1_000)}`.repeat(500)],
  ["a malformed reference", `\${{ ${"a.".repeat(200_000)} }}`],
  ["a reference of dashes", `\${{ a${"-".repeat(400_000)}! }}`],
  ["closings", "}}".repeat(300_000)],
])("half a million characters of %s take no time to speak of", (_, text) => {
  const began = performance.now();
  try {
    renderTemplates(text, {});
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(1_000);
  }
  expect(performance.now() - began).toBeLessThan(1_000);
});
