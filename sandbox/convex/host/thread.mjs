// The host's end of a deployment's thread: calls with answers, events, and an end for code that never returns.

import { Worker } from "node:worker_threads";

import { Refusal } from "./refusal.mjs";

const ENTRY = new URL("./worker/main.mjs", import.meta.url);
// The real limits are 1 s of user code for queries and mutations and 10 min for actions; a busy test machine gets more time.
const SECONDS = { Query: 8, Mutation: 8, Action: 600, other: 60 };
const HEAP_MEGABYTES = 256;

export class Thread {
  #worker;
  #pending = new Map();
  #next = 1;
  #onEvent;
  #onExit;
  ended = false; // takes no more calls
  exited; // resolves when nothing of it runs any more

  constructor(data, environment, { onEvent, onExit }) {
    this.#onEvent = onEvent;
    this.#onExit = onExit;
    this.#worker = new Worker(ENTRY, {
      workerData: data,
      env: environment,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES, maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (message) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(error.message));
    this.exited = new Promise((resolve) => {
      this.#worker.on("exit", () => {
        this.#fail("the deployment's thread ended");
        this.#onExit();
        resolve();
      });
    });
  }

  /** Send one operation; a failure in it becomes a `Refusal`. */
  call(op, request = {}, seconds = SECONDS.other) {
    if (this.ended)
      return Promise.reject(new Refusal(503, "BackendIsNotRunning", "The deployment is being restarted."));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#overdue(id, seconds), seconds * 1000);
      this.#pending.set(id, { resolve, reject, timer });
      this.#worker.postMessage({ id, op, ...request });
    });
  }

  /** Run a function of the deployment, for as long as its kind may take. */
  run(request) {
    return this.call("call", request, SECONDS[request.kind ?? "Action"]);
  }

  /** End after what runs has finished. */
  async stop() {
    if (this.ended) return;
    await this.call("stop").catch(() => null);
    await this.terminate();
  }

  /** End at once. */
  async terminate() {
    await this.#worker.terminate();
  }

  #receive(message) {
    if (message.event) return this.#onEvent(message);
    const waiting = this.#pending.get(message.id);
    if (!waiting) return undefined;
    this.#pending.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.ok) return waiting.resolve(message.result);
    const { code, message: text } = message.error;
    return waiting.reject(code === null ? new Refusal(500, "InternalServerError", text) : new Refusal(400, code, text));
  }

  #overdue(id, seconds) {
    if (!this.#pending.has(id)) return;
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    waiting.reject(
      new Refusal(500, "FunctionTimedOut", `Function execution timed out (maximum duration: ${seconds}s)`),
    );
    if (seconds > SECONDS.Query) return; // an action that only waits disturbs nobody
    this.#fail("another function did not return"); // it holds the thread, or the transaction that all others wait for
    void this.terminate();
  }

  #fail(reason) {
    if (this.ended) return;
    this.ended = true;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new Refusal(503, "BackendIsNotRunning", `The request was interrupted: ${reason}`));
    }
    this.#pending.clear();
  }
}
