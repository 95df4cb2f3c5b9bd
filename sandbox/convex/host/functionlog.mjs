// What ran, for `convex logs`: a buffer in memory, as the real server's; it is not a durable log there either.

import { randomUUID } from "node:crypto";

const KEPT = 1000;
const LONGEST_POLL = 60_000;

export class FunctionLog {
  #entries = [];
  #last = 0;
  #waiting = new Set();

  /** Note one finished execution. */
  ran(path, caller, { ok, error, lines, kind, seconds }, requestId = randomUUID()) {
    this.#last = Math.max(Date.now(), this.#last + 1);
    this.#entries.push({
      kind: "Completion",
      identifier: path.replace(/\.js:/, ":"),
      udfType: kind ?? "Query",
      componentPath: null,
      logLines: lines ?? [],
      timestamp: this.#last / 1000,
      cachedResult: false,
      executionTime: seconds ?? 0,
      userExecutionTime: seconds ?? 0,
      success: null,
      error: ok ? null : error.message,
      requestId,
      executionId: randomUUID(),
      caller,
      parentExecutionId: null,
      environment: "isolate",
      identityType: "unknown",
      executionTimestamp: this.#last / 1000,
      returnBytes: null,
      occInfo: null,
      willRetry: false,
      usageStats: {},
    });
    if (this.#entries.length > KEPT) this.#entries.splice(0, this.#entries.length - KEPT);
    for (const wake of this.#waiting) wake();
  }

  /** Entries after a cursor (milliseconds); waits for the first when there is none yet. */
  async after(cursor, signal) {
    if (this.#since(cursor).length === 0 && cursor > 0) await this.#next(signal);
    const entries = this.#since(cursor);
    return { entries, newCursor: entries.length ? this.#last : Math.max(cursor, this.#last || Date.now()) };
  }

  #since(cursor) {
    return this.#entries.filter((entry) => entry.timestamp * 1000 > cursor);
  }

  #next(signal) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, LONGEST_POLL);
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}
