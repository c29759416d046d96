import { expectTypeOf, test } from "vitest";
import type { Config } from "../../../src/core/config/settings.ts";

test("the type of the settings follows from the table", () => {
  expectTypeOf<Config["server"]["httpPort"]>().toEqualTypeOf<number>();
  expectTypeOf<Config["sqlite"]["durability"]>().toEqualTypeOf<"full" | "normal">();
  expectTypeOf<Config["worker"]["concurrency"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Config["roles"]["modules"]>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<Config["sandbox"]["allowUncontained"]>().toEqualTypeOf<boolean>();
});
