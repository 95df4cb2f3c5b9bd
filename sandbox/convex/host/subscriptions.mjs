// The live queries of one deployment. A query that several clients watch runs once; it runs again when a table that it read has
// changed. Knows results and tables; connections tell it what they watch.

import { callFunction } from "./calls.mjs";
import { Refusal } from "./refusal.mjs";
import { isSystemPath, systemQuery } from "./system.mjs";

const EVERYTHING = "*";
const REQUEST_ID = /^\[Request ID: \w+\]/; // new for each run, so it is no change of the result
const RETRIES = 3; // while the deployment's thread is being replaced
const RETRY_MILLISECONDS = 200;

export class Subscriptions {
  #deployment;
  #entries = new Map();
  #listeners = new Set();
  timestamp = 0n;

  constructor(deployment) {
    this.#deployment = deployment;
  }

  /** True when nobody watches anything. */
  get idle() {
    return this.#listeners.size === 0;
  }

  /** `listener()` is called when something that it watches may have changed; `listener.close()` when the deployment ends. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Watch a query. The same query of the same caller is one entry. */
  watch(caller, { path, args, journal = null }) {
    const key = JSON.stringify([caller.kind, caller.identity, path, args, journal]);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        key,
        caller,
        path,
        args,
        journal,
        tables: new Set(),
        result: null,
        dirty: true,
        running: null,
        watchers: 0,
      };
      this.#entries.set(key, entry);
    }
    entry.watchers += 1;
    return entry;
  }

  unwatch(entry) {
    entry.watchers -= 1;
    if (entry.watchers === 0) this.#entries.delete(entry.key);
  }

  /** The deployment's clock is at least here. */
  observed(timestamp) {
    if (timestamp > this.timestamp) this.timestamp = timestamp;
  }

  /** A commit changed these tables. */
  committed(timestamp, tables) {
    this.observed(timestamp);
    for (const entry of this.#entries.values()) {
      if (entry.running) entry.running.commits.push({ timestamp, tables });
      else if (concerns(entry, tables)) entry.dirty = true;
    }
    this.#notify();
  }

  /** Code or environment changed, or an operator's record did. */
  invalidateAll() {
    for (const entry of this.#entries.values()) {
      entry.dirty = true;
      if (entry.running) entry.running.stale = true;
    }
    this.#notify();
  }

  /** Bring entries up to date with `timestamp`. */
  async refresh(entries) {
    for (;;) {
      const waiting = entries.filter((entry) => entry.dirty || entry.running);
      if (waiting.length === 0) return;
      await Promise.all(waiting.map((entry) => entry.running?.done ?? this.#run(entry)));
    }
  }

  close() {
    for (const listener of this.#listeners) listener.close();
  }

  #run(entry) {
    const running = { commits: [], stale: false, done: null };
    entry.running = running;
    entry.dirty = false;
    running.done = (async () => {
      const result = await this.#compute(entry);
      entry.tables = new Set(result.tables);
      if (result.journal) entry.journal = result.journal;
      entry.running = null;
      const missed = running.commits.some((one) => one.timestamp > result.timestamp && concerns(entry, one.tables));
      entry.dirty = running.stale || missed;
      const text = JSON.stringify([result.ok, result.value, result.message?.replace(REQUEST_ID, ""), result.data]);
      if (entry.result?.text !== text) entry.result = { ...result, text };
    })();
    return running.done;
  }

  async #compute(entry, attempt = 0) {
    const { caller, path, args, journal } = entry;
    try {
      if (isSystemPath(path)) {
        const value = await systemQuery(this.#deployment, caller, path, args);
        return { ok: true, value, lines: [], tables: [EVERYTHING], timestamp: this.timestamp, journal: null };
      }
      return await callFunction(this.#deployment, caller, { path, kind: "Query", args, journal });
    } catch (error) {
      if (error.status === 503 && attempt < RETRIES && !this.#deployment.gone) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
        return this.#compute(entry, attempt + 1);
      }
      if (!(error instanceof Refusal)) console.error(`live query ${path}: ${error.stack}`);
      return {
        ok: false,
        message: error.message,
        lines: [],
        tables: [EVERYTHING],
        timestamp: this.timestamp,
        journal: null,
      };
    }
  }

  #notify() {
    for (const listener of this.#listeners) listener();
  }
}

const concerns = (entry, tables) => entry.tables.has(EVERYTHING) || tables.some((table) => entry.tables.has(table));
