// Scheduled functions and cron jobs of one deployment: what is due runs, also after a restart. The jobs themselves are
// documents of `_scheduled_functions`; the crons' next times are in a file. Knows when, not how a function runs.

import { AsyncLocalStorage } from "node:async_hooks";
import fs from "node:fs";
import path from "node:path";

import { convexToJson } from "convex/values";

import { nextRun } from "./schedule.mjs";

const LONGEST_TIMEOUT = 2 ** 31 - 1;
const KEPT_AFTER_COMPLETION = 7 * 24 * 3_600_000;
// Timers are set from within functions; without this they would inherit the function's transaction.
const atTopLevel = AsyncLocalStorage.snapshot();

export class Timers {
  #armed = new Map();
  #running = new Set();
  #stopped = false;
  #database;
  #run;
  #kindOf;
  #cronFile;
  #crons = {};

  /** `run(path, argsJson, caller)` executes a function and answers `{ok, error?}`; `kindOf(path)` is its type. */
  constructor(folder, database, run, kindOf) {
    this.#database = database;
    this.#run = run;
    this.#kindOf = kindOf;
    this.#cronFile = path.join(folder, "crons.json");
  }

  /** Take up what was pending when the deployment stopped, and start the pushed crons. */
  async start(crons) {
    const jobs = Object.values(this.#database.db._documents).filter((one) => one._id.endsWith("_scheduled_functions"));
    for (const job of jobs) {
      if (job.state.kind === "pending") this.#arm(job._id, job.scheduledTime);
      else if (job.state.kind === "inProgress") await this.#recover(job);
      else if ((job.completedTime ?? 0) < Date.now() - KEPT_AFTER_COMPLETION) {
        await this.#change((db) => db.delete("_scheduled_functions", job._id));
      }
    }
    this.#startCrons(crons);
  }

  /** Put a job into the current transaction; the answer is its id. */
  schedule(functionPath, args, time) {
    return this.#database.db.insert("_scheduled_functions", {
      name: functionPath,
      args: [args],
      scheduledTime: time,
      state: { kind: "pending" },
    });
  }

  /** After a commit: arm what became pending, disarm what is no longer. */
  noticed(writes) {
    for (const [id, job] of Object.entries(writes)) {
      if (!id.endsWith("_scheduled_functions")) continue;
      if (job?.state.kind === "pending") this.#arm(id, job.scheduledTime);
      else this.#disarm(id);
    }
  }

  /** True while something is due without anybody asking. */
  get busy() {
    return this.#armed.size + this.#running.size > 0;
  }

  /** No more runs begin. */
  stop() {
    this.#stopped = true;
    for (const id of [...this.#armed.keys()]) this.#disarm(id);
  }

  #arm(key, time, action = () => this.#runJob(key)) {
    if (this.#stopped) return;
    this.#disarm(key);
    const wait = Math.max(0, time - Date.now());
    const fire = () => (wait > LONGEST_TIMEOUT ? this.#arm(key, time, action) : this.#fire(key, action));
    this.#armed.set(
      key,
      atTopLevel(() => setTimeout(fire, Math.min(wait, LONGEST_TIMEOUT))),
    );
  }

  #disarm(key) {
    clearTimeout(this.#armed.get(key));
    this.#armed.delete(key);
  }

  async #fire(key, action) {
    this.#armed.delete(key);
    this.#running.add(key);
    try {
      await action();
    } catch (error) {
      console.error(`scheduled run ${key}: ${error.stack}`);
    } finally {
      this.#running.delete(key);
    }
  }

  async #runJob(id) {
    const { db } = this.#database;
    const job = await this.#change(() => {
      const found = db.get("_scheduled_functions", id);
      if (found?.state.kind !== "pending") return null;
      db.patch("_scheduled_functions", id, { state: { kind: "inProgress" } });
      return { name: found.name, args: found.args[0] };
    });
    if (job === null) return;
    const result = await this.#run(job.name, convexToJson(job.args), "Scheduler");
    const state = result.ok ? { kind: "success" } : { kind: "failed", error: result.error.message };
    await this.#finish(id, state);
  }

  // A mutation is all or nothing, so it is run again; an action may have had effects, so the real server gives it up.
  async #recover(job) {
    if (this.#kindOf(job.name) === "Mutation") {
      await this.#change((db) => db.patch("_scheduled_functions", job._id, { state: { kind: "pending" } }));
    } else {
      await this.#finish(job._id, { kind: "failed", error: "Transient error while executing action" });
    }
  }

  #finish(id, state) {
    return this.#change((db) => {
      if (db.get("_scheduled_functions", id) === null) return;
      db.patch("_scheduled_functions", id, { state, completedTime: Date.now() });
    });
  }

  #change(change) {
    return atTopLevel(() => this.#database.t.run(async () => (await change(this.#database.db)) ?? null));
  }

  #startCrons(crons) {
    const stored = fs.existsSync(this.#cronFile) ? JSON.parse(fs.readFileSync(this.#cronFile, "utf8")) : {};
    this.#crons = {};
    for (const [name, job] of Object.entries(crons)) {
      const known = JSON.stringify(stored[name]?.job) === JSON.stringify(job) ? stored[name] : null;
      this.#crons[name] = { job, next: known?.next ?? nextRun(job.schedule, Date.now()) };
    }
    this.#saveCrons();
    for (const name of Object.keys(this.#crons)) this.#armCron(name);
  }

  #armCron(name) {
    const entry = this.#crons[name];
    if (entry.next !== null) this.#arm(`cron:${name}`, entry.next, () => this.#runCron(name));
  }

  async #runCron(name) {
    const entry = this.#crons[name];
    try {
      const result = await this.#run(entry.job.name, entry.job.args, "Cron");
      if (!result.ok) console.error(`cron job ${name} failed: ${result.error.message}`);
    } finally {
      entry.next = nextRun(entry.job.schedule, Date.now(), entry.next);
      this.#saveCrons();
      this.#armCron(name);
    }
  }

  #saveCrons() {
    if (Object.keys(this.#crons).length === 0) fs.rmSync(this.#cronFile, { force: true });
    else fs.writeFileSync(this.#cronFile, JSON.stringify(this.#crons), { mode: 0o600 });
  }
}
