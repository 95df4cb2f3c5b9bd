// One deployment as the host sees it: what is kept about it on disk, its thread (started when first needed), its keys,
// environment variables, audit log and function log. HTTP, pushes and the sync protocol are elsewhere.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { AuditLog } from "./audit.mjs";
import { changedVariables } from "./environment.mjs";
import { FunctionLog } from "./functionlog.mjs";
import { Subscriptions } from "./subscriptions.mjs";
import { Thread } from "./thread.mjs";

const INLINE_WRAPPERS = ["convex:/_system/repl/wrappers.js", new URL("./worker/inlinequery.mjs", import.meta.url).href];
const IDLE_SECONDS = 300;
const WAKE_MILLISECONDS = 500; // after a crash, so that code that always crashes does not fill the machine
const EMPTY = { functions: {}, schema: null, auth: [], crons: {}, definition: null };

export class Deployment {
  #live = null;
  #ending = Promise.resolve(); // of the thread before: two must never write one journal
  #queue = Promise.resolve();
  #used = 0;
  #state;

  constructor(folder, configuration) {
    this.folder = folder;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.configure(configuration);
    this.#state = this.#read() ?? {
      secret: randomBytes(32).toString("hex"),
      environment: { ...configuration.environment },
      push: null,
    };
    this.#write();
    this.#removeUnfinished();
    this.audit = new AuditLog(path.join(folder, "audit.ndjson"));
    this.log = new FunctionLog();
    this.subscriptions = new Subscriptions(this);
  }

  /** Take what the control plane says: `{name, type, id, projectId, teamId, ..., keys, port, sitePort, expiresAt}`. */
  configure(configuration) {
    const { environment: _, ...rest } = configuration; // defaults count only when the deployment is made
    Object.assign(this, rest);
    this.cloudUrl = `http://127.0.0.1:${this.port}`;
    this.siteUrl = `http://127.0.0.1:${this.sitePort}`;
  }

  /** Gone for good, or expired: everything answers 404. */
  get gone() {
    return this.deleted === true || (this.expiresAt != null && this.expiresAt <= Date.now());
  }

  /** The last finished push, or null: `{folder, modules, schema, analysis, ...}`. */
  get push() {
    return this.#state.push;
  }

  get analysis() {
    return this.#state.push?.analysis ?? EMPTY;
  }

  get authProviders() {
    return this.analysis.auth;
  }

  get environment() {
    return this.#state.environment;
  }

  /** Production hides error texts and console lines from clients. */
  hides(caller) {
    return this.type === "prod" && caller.kind !== "admin";
  }

  /** `Query`, `Mutation`, `Action` or null, without waking the thread. */
  kindOf(canonicalPath) {
    const [file, name] = canonicalPath.split(":");
    return this.analysis.functions[file]?.functions.find((one) => one.name === name)?.udfType ?? null;
  }

  /** The running thread; started when there is none. */
  async thread() {
    this.#used = Date.now();
    this.#live ??= this.#ending.then(() => this.#start(this.#state.push));
    const live = this.#live;
    try {
      const thread = await live;
      if (!thread.ended) return thread;
      if (this.#live === live) this.#retire(() => thread.exited);
      return this.thread();
    } catch (error) {
      if (this.#live === live) this.#live = null;
      throw error;
    }
  }

  /** Start the thread only if something must happen without anybody asking. */
  async wake() {
    if (!this.gone && this.push && (this.#mayHaveJobs() || Object.keys(this.analysis.crons).length > 0)) {
      const thread = await this.thread();
      if (!(await thread.call("busy")) && this.subscriptions.idle) await this.sleep();
    }
  }

  /** Give memory back when nobody has asked for anything and nothing is due. */
  async restIfIdle() {
    if (this.#live === null || !this.subscriptions.idle || Date.now() - this.#used < IDLE_SECONDS * 1000) return;
    const thread = await this.#live.catch(() => null);
    if (thread && !(await thread.call("busy"))) await this.sleep();
  }

  /** Stop the thread until somebody asks again. */
  async sleep() {
    this.#retire((thread) => thread.stop());
    await this.#ending;
  }

  /** Changes of code and environment, one after the other. */
  exclusively(change) {
    const result = this.#queue.then(change);
    this.#queue = result.catch(() => null);
    return result;
  }

  /** Change environment variables; all subscriptions are computed anew, as the real server does. */
  updateEnvironment(changes, actor) {
    return this.exclusively(async () => {
      const { next, events } = changedVariables(this.#state.environment, changes);
      if (events.length === 0) return;
      this.#state = { ...this.#state, environment: next };
      this.#write();
      for (const [action, name] of events) this.audit.add(action, { variable_name: name }, actor);
      await this.#replace(() => this.#start(this.#state.push));
    });
  }

  /** A thread with staged code that is not live: for a push. The caller ends it or hands it to `adopt`. */
  async stage(push) {
    const thread = this.#thread(push);
    try {
      return { thread, analysis: await thread.call("stage") };
    } catch (error) {
      await thread.terminate();
      throw error;
    }
  }

  /** Make a staged push live. Call it within `exclusively`. */
  async adopt(push, thread) {
    const previous = this.#state.push;
    try {
      await this.#replace(() => this.#activate(thread));
    } catch (error) {
      await thread.terminate();
      this.#live = null; // the next request starts what was live before
      throw error;
    }
    this.#state = { ...this.#state, push };
    this.#write();
    if (previous) fs.rmSync(path.join(this.folder, previous.folder), { recursive: true, force: true });
  }

  /** Run a query that came as source text and is not part of any push. */
  async inline(source) {
    const folder = path.join(this.folder, "inline");
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, `${randomBytes(8).toString("hex")}.mjs`);
    fs.writeFileSync(file, source.replaceAll(INLINE_WRAPPERS[0], INLINE_WRAPPERS[1]), { mode: 0o600 });
    try {
      return await (await this.thread()).call("inline", { file });
    } finally {
      fs.rmSync(file, { force: true });
    }
  }

  /** Remove everything, the files too. */
  async destroy() {
    this.deleted = true;
    this.subscriptions.close();
    this.#retire((thread) => thread.terminate());
    await this.#ending;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(push) {
    const thread = this.#thread(push);
    try {
      await thread.call("stage");
      return await this.#activate(thread);
    } catch (error) {
      await thread.terminate();
      throw error;
    }
  }

  async #activate(thread) {
    const { timestamp } = await thread.call("activate");
    this.subscriptions.observed(timestamp);
    return thread;
  }

  // Let go of the live thread; `#ending` is done when it has ended.
  #retire(end) {
    const live = this.#live;
    this.#live = null;
    if (live === null) return;
    const before = this.#ending;
    this.#ending = (async () => {
      await before;
      const thread = await live.catch(() => null);
      if (thread) await end(thread);
    })();
  }

  async #replace(makeNext) {
    this.#retire((thread) => thread.stop());
    this.#live = this.#ending.then(makeNext);
    await this.#live;
    this.subscriptions.invalidateAll();
  }

  #thread(push) {
    const data = {
      folder: this.folder,
      codeFolder: path.join(this.folder, push?.folder ?? "code"),
      modules: [...(push?.modules ?? []), ...(push?.schema ? [push.schema] : [])].map((one) => one.path),
      definitionPath: push?.definition?.path ?? null,
      authVariables: push?.authVariables ?? [],
      cloudUrl: this.cloudUrl,
      siteUrl: this.siteUrl,
      secret: this.#state.secret,
      deployment: { name: this.name },
    };
    if (data.definitionPath) data.modules.push(data.definitionPath);
    const environment = { ...this.#state.environment, CONVEX_CLOUD_URL: this.cloudUrl, CONVEX_SITE_URL: this.siteUrl };
    const thread = new Thread(data, environment, {
      onEvent: (event) => this.#noticed(event),
      onExit: () => this.#forget(thread),
    });
    return thread;
  }

  #noticed(event) {
    if (event.event === "commit") this.subscriptions.committed(event.timestamp, event.tables);
    if (event.event === "ran") this.log.ran(event.path, event.caller, event.outcome);
  }

  async #forget(thread) {
    const live = this.#live;
    if (live && (await live.catch(() => null)) === thread && this.#live === live) {
      this.#live = null;
      setTimeout(() => void this.wake().catch(() => null), WAKE_MILLISECONDS);
    }
  }

  // Code of pushes that never finished because the process was killed.
  #removeUnfinished() {
    for (const name of fs.readdirSync(this.folder)) {
      if (name.startsWith("code-") && name !== this.push?.folder)
        fs.rmSync(path.join(this.folder, name), { recursive: true });
    }
  }

  // A job that has run may be in the journal as pending too: then the thread starts and rests again.
  #mayHaveJobs() {
    const file = path.join(this.folder, "documents.ndjson");
    return fs.existsSync(file) && /"kind":"(pending|inProgress)"/.test(fs.readFileSync(file, "utf8"));
  }

  #read() {
    const file = path.join(this.folder, "deployment.json");
    return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : null;
  }

  #write() {
    const file = path.join(this.folder, "deployment.json");
    fs.writeFileSync(`${file}.new`, JSON.stringify(this.#state), { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  }
}
