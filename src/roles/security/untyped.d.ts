/** Packages without types of their own; each is used for one value. */
declare module "eslint-plugin-security" {
  import type { ESLint } from "eslint";

  const plugin: ESLint.Plugin;
  export default plugin;
}

declare module "@babel/eslint-parser" {
  import type { Linter } from "eslint";

  const parser: Linter.Parser;
  export default parser;
}
