// Runs the pushed functions: by kind and path, with identity, arguments checked as the real server does, console lines,
// and for queries the tables that were read. Knows convex-test's calls, neither HTTP nor the disk.

import { jsonToConvex } from "convex/values";

import { encodedText } from "../values.mjs";
import { executions } from "./database.mjs";
import { CallError, described } from "./errors.mjs";
import { functionTable } from "./modules.mjs";
import { mismatch } from "./validators.mjs";

/** `messages:list`, `messages.js:list` and `messages` (its default export) all mean one function: its canonical path. */
export function canonicalPath(text) {
  const [file, name = "default"] = String(text).split(":");
  return `${file.replace(/\.js$/, "")}.js:${name}`;
}

const strippedPath = (canonical) => canonical.replace(/\.js:/, ":");

export class Functions {
  #database;
  #table;
  #codeFolder;
  #siteUrl;
  running = 0;

  constructor(database, analysis, { codeFolder, siteUrl }) {
    this.#database = database;
    this.#table = functionTable(analysis.functions);
    this.#codeFolder = codeFolder;
    this.#siteUrl = siteUrl;
  }

  /** `Query`, `Mutation`, `Action` or null. */
  kindOf(text) {
    return this.#table.get(canonicalPath(text))?.udfType ?? null;
  }

  /**
   * Call a function. `kind` null takes any. Answers `{ok, value | error, lines, timestamp, tables, journal, kind, seconds}`;
   * `value` is Convex-encoded text.
   */
  async call({ path, kind = null, args, identity = null, internal = false, journal = null }) {
    const started = performance.now();
    const execution = { tables: new Set(), lines: [], timestamp: 0n, journal, nextJournal: null };
    const canonical = canonicalPath(path);
    let actual = kind;
    this.running += 1;
    try {
      return await executions.run(execution, async () => {
        let outcome;
        try {
          const found = this.#resolve(canonical, kind, internal);
          actual = found.udfType;
          outcome = { ok: true, value: encodedText(await this.#run(canonical, found, args, identity)) };
        } catch (thrown) {
          outcome = { ok: false, error: described(thrown, this.#codeFolder) };
        }
        const { tables, lines, timestamp, nextJournal } = execution;
        const seconds = (performance.now() - started) / 1000;
        return { ...outcome, lines, timestamp, tables: [...tables], journal: nextJournal, kind: actual, seconds };
      });
    } finally {
      this.running -= 1;
    }
  }

  /** Run an ad-hoc query handler (`convex run --inline-query`). */
  async callInline(handler) {
    const execution = { tables: new Set(), lines: [], timestamp: 0n, journal: null, nextJournal: null };
    return executions.run(execution, async () => {
      try {
        const value = await this.#database.t.query((ctx) => handler(ctx, {}));
        return { ok: true, value: encodedText(value), lines: execution.lines };
      } catch (thrown) {
        return { ok: false, error: described(thrown, this.#codeFolder), lines: execution.lines };
      }
    });
  }

  /** Answer a request to the site: `{response, lines}`, or `{error, lines}` when the HTTP action threw. */
  async serve({ method, url, headers, body, identity = null }) {
    const execution = { tables: new Set(), lines: [], timestamp: 0n, siteRequest: new URL(url, this.#siteUrl).href };
    const target = new URL(url, this.#siteUrl);
    const bodyless = method === "GET" || method === "HEAD" || body === null;
    const init = bodyless ? { method, headers } : { method, headers, body };
    this.running += 1;
    try {
      return await executions.run(execution, async () => {
        try {
          const response = await this.#accessor(identity).fetch(`${target.pathname}${target.search}`, init);
          return { response, lines: execution.lines };
        } catch (thrown) {
          return { error: described(thrown, this.#codeFolder), lines: execution.lines };
        }
      });
    } finally {
      this.running -= 1;
    }
  }

  async #run(canonical, found, args, identity) {
    const values = argumentsOf(args);
    const reason = found.args ? mismatch(found.args, values) : null;
    if (reason !== null) throw new CallError(`ArgumentValidationError: ${reason}`);
    const accessor = this.#accessor(identity);
    const functionPath = { componentPath: "", udfPath: strippedPath(canonical) };
    const call = { Query: "queryFromPath", Mutation: "mutationFromPath", Action: "actionFromPath" }[found.udfType];
    return accessor[call](functionPath, values);
  }

  #accessor(identity) {
    return identity === null ? this.#database.t : this.#database.t.withIdentity(identity);
  }

  #resolve(canonical, kind, internal) {
    const found = this.#table.get(canonical);
    const visible = found && (internal || found.visibility.kind === "public");
    if (!visible) {
      const name = strippedPath(canonical);
      throw new CallError(
        kind === null
          ? `Could not find function for '${name}'. Did you forget to run \`npx convex dev\`?`
          : `Could not find public function for '${name}'. Did you forget to run \`npx convex dev\`?`,
      );
    }
    if (kind !== null && found.udfType !== kind) {
      throw new CallError(`Trying to execute ${canonical} as ${kind}, but it is defined as ${found.udfType}.`);
    }
    return found;
  }
}

/** A router whose handlers see the request under the address that the client used, not convex-test's placeholder. */
export function withSiteAddresses(router) {
  const lookup = (where, method) => {
    const found = router.lookup(where, method);
    if (!found) return null;
    const [action, ...rest] = found;
    const handler = "_handler" in action ? action._handler : action;
    const rebased = (ctx, request) =>
      handler(ctx, new Request(executions.getStore()?.siteRequest ?? request.url, request));
    return [{ _handler: rebased }, ...rest];
  };
  return { isRouter: true, lookup, getRoutes: () => router.getRoutes() };
}

function argumentsOf(args) {
  const plain = Array.isArray(args) ? args[0] : args;
  if (plain === undefined || plain === null) return {};
  const values = jsonToConvex(plain);
  if (typeof values !== "object" || Array.isArray(values)) {
    throw new CallError("The arguments of a Convex function must be an object.");
  }
  return values;
}
