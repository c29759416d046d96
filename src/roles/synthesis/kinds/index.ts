/** The list of kinds, asked in this order; the last takes anything. */
import type { SectionKind } from "../section.ts";
import { failed } from "./failed.ts";
import { other } from "./other.ts";
import { security } from "./security.ts";
import { testing } from "./testing.ts";

export const sectionKinds: readonly SectionKind[] = [failed, testing, security, other];
