import fc from "fast-check";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { expect, test } from "vitest";
import { bullets, code, duration, fenced, prose, table } from "../../../src/roles/synthesis/markdown.ts";

/** As code hosts render it, raw HTML let through: whatever got past the escaping shows as an element. */
function render(markdown: string): string {
  return micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
}

/** What a reader sees of rendered HTML. */
function textOf(html: string): string {
  return html
    .replace(/<[^>]*>/g, "")
    .replace(/&#(\d+);/g, (_, point) => String.fromCodePoint(Number(point)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

const collapse = (text: string) => text.replace(/\s+/g, " ").trim();

const nasty = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        "|",
        "\\",
        "`",
        "``",
        "\n",
        "\r\n",
        "*",
        "_",
        "[a](b)",
        "![x](y)",
        "<b>",
        "<!--",
        "&lt;",
        "&#124;",
        "~~",
        "# ",
        "- ",
        "1. ",
        "> ",
        "---",
        "a",
        " ",
        "$",
        "</table>",
        ":-:",
        "\\|",
      ),
      { maxLength: 12 },
    )
    .map((pieces) => pieces.join("")),
);

/** Addresses become links by themselves, which is welcome. */
const visible = (html: string) => html.replace(/<\/?a( [^>]*)?>/g, "");

test("no text breaks a table: each row keeps its cells, each cell shows its text and no element of its own", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(nasty, nasty), { minLength: 1, maxLength: 4 }), (pairs) => {
      const html = visible(
        render(
          table(
            ["A", "B"],
            pairs.map(([a, b]) => [prose(a), code(b)]),
          ),
        ),
      );
      const rows = [...html.matchAll(/<tr>\s*<td>(.*)<\/td>\s*<td>(.*)<\/td>\s*<\/tr>/g)];
      expect(rows).toHaveLength(pairs.length);
      for (const [index, [a, b]] of pairs.entries()) {
        const [, first, second] = rows[index]!;
        expect(first).not.toMatch(/<[a-z!]/i);
        expect(collapse(textOf(first!))).toBe(collapse(shown(a)));
        expect(second).toMatch(/^(<code>[^<]*<\/code>)?$/);
        expect(collapse(textOf(second!))).toBe(collapse(shown(b)));
      }
    }),
    { numRuns: 500 },
  );
});

test("no text leaves its paragraph or its list item", () => {
  fc.assert(
    fc.property(
      nasty.filter((text) => collapse(shown(text)) !== ""),
      (text) => {
        expect(visible(render(prose(text)))).toMatch(/^<p>[^<]*<\/p>$/);
        expect(visible(render(bullets([prose(text), "next"])))).toMatch(
          /^<ul>\s*<li>[^<]*<\/li>\s*<li>next<\/li>\s*<\/ul>$/,
        );
        expect(visible(render(`# ${prose(text)}`))).toMatch(/^<h1>[^<]*<\/h1>$/);
      },
    ),
    { numRuns: 500 },
  );
});

test("no text ends the block of code that it stands in", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const html = render(`${fenced(text, "text")}\n\nafter`);
      expect(html).toMatch(/^<pre><code class="language-text">[^<]*<\/code><\/pre>\n<p>after<\/p>$/);
    }),
  );
});

test("ordinary text stays as it is", () => {
  for (const text of ["5 !== 4", "a_b is not defined", "got (1, 2) -> x", "100% of $5", "it's 3 > 2"])
    expect(prose(text)).toBe(text);
  expect(code("src/a.ts:12")).toBe("`src/a.ts:12`");
});

test.each([
  [0.4, "0 ms"],
  [850, "850 ms"],
  [1_234, "1.2 s"],
  [59_960, "1 min 0 s"],
  [125_000, "2 min 5 s"],
])("%d ms is %s", (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});

/** Characters that control or are not shown become spaces. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").toWellFormed();
}
