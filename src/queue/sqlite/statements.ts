/** The statements of queries.sql, prepared when first used. */
import { readFileSync } from "node:fs";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

interface Query {
  readonly sql: string;
  readonly parameters: readonly string[];
}

interface Prepared {
  readonly statement: StatementSync;
  readonly parameters: readonly string[];
}

/** Parameters by name; more than a statement binds is well. */
export type Values = object;

const queries = parseQueries(readFileSync(new URL("./queries.sql", import.meta.url), "utf8"));

/** Named parameters become numbered ones: node:sqlite takes four times as long to bind them by name. */
function parseQueries(file: string): ReadonlyMap<string, Query> {
  const sections = file.split(/^-- name: /m).slice(1);
  return new Map(
    sections.map((section) => {
      const name = section.slice(0, section.indexOf("\n"));
      const named = section
        .slice(name.length)
        .replaceAll(/^--.*$/gm, "")
        .trim();
      const parameters: string[] = [];
      const sql = named.replaceAll(/:(\w+)/g, (_, parameter: string) => `?${placeOf(parameters, parameter)}`);
      return [name, { sql, parameters }];
    }),
  );
}

function placeOf(parameters: string[], parameter: string): number {
  if (!parameters.includes(parameter)) parameters.push(parameter);
  return parameters.indexOf(parameter) + 1;
}

export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  run(name: string, values: Values = {}): void {
    const { statement, parameters } = this.#get(name);
    statement.run(...bind(parameters, values));
  }

  one<Row>(name: string, values: Values = {}): Row | undefined {
    const { statement, parameters } = this.#get(name);
    return statement.get(...bind(parameters, values)) as Row | undefined;
  }

  all<Row>(name: string, values: Values = {}): Row[] {
    const { statement, parameters } = this.#get(name);
    return statement.all(...bind(parameters, values)) as Row[];
  }

  #get(name: string): Prepared {
    const known = this.#prepared.get(name);
    if (known !== undefined) return known;
    const query = queries.get(name);
    if (query === undefined) throw new Error(`queries.sql has no query ${name}`);
    const prepared = { statement: this.#database.prepare(query.sql), parameters: query.parameters };
    this.#prepared.set(name, prepared);
    return prepared;
  }
}

function bind(parameters: readonly string[], values: Values): SQLInputValue[] {
  const named = values as Readonly<Record<string, SQLInputValue | undefined>>;
  return parameters.map((parameter) => named[parameter] ?? null);
}
