// The sync protocol of browsers and of the CLI over one WebSocket: queries that stay up to date, mutations in order, actions.
// Versions count the client's query set and identity; `ts` is the deployment's clock.

import { NOBODY, adminCaller, userCaller } from "./auth.mjs";
import { callFunction } from "./calls.mjs";
import { Refusal } from "./refusal.mjs";
import { timestampText } from "./values.mjs";

const PING_SECONDS = 15;

export class SyncConnection {
  #socket;
  #deployment;
  #record;
  #caller = NOBODY;
  #queries = new Map();
  #removed = [];
  #wanted = { querySet: 0, identity: 0 };
  #sent = { querySet: 0, identity: 0, ts: 0n };
  #mutations = Promise.resolve();
  #authentication = Promise.resolve();
  #updating = false;
  #again = false;
  #stopListening;
  #ping;

  /** `record(what)` writes a mutation or action that came over the socket to the request log. */
  constructor(socket, deployment, record) {
    this.#socket = socket;
    this.#deployment = deployment;
    this.#record = record;
    const listener = () => this.#mayHaveChanged();
    listener.close = () => this.#socket.close(1012, "deployment ended");
    this.#stopListening = deployment.subscriptions.listen(listener);
    this.#ping = setInterval(() => this.#send({ type: "Ping" }), PING_SECONDS * 1000);
    socket.on("message", (data) => this.#receive(data));
    socket.on("close", () => this.#end());
    socket.on("error", () => socket.terminate());
  }

  async #receive(data) {
    try {
      const message = JSON.parse(data);
      const handler = {
        Connect: () => null,
        Event: () => null,
        Authenticate: () => this.#authenticate(message),
        ModifyQuerySet: () => this.#modify(message),
        Mutation: () => this.#mutation(message),
        Action: () => this.#action(message),
      }[message.type];
      if (!handler) throw new Error(`unknown message ${message.type}`);
      await handler();
    } catch (error) {
      this.#fatal(error);
    }
  }

  #authenticate(message) {
    // Keys have to be fetched for a user's token; what the client sends meanwhile waits for the new identity.
    this.#authentication = this.#authentication.then(async () => {
      if (message.baseVersion !== this.#wanted.identity)
        throw new Error("Base version does not match the identity version");
      try {
        this.#caller = await this.#callerOf(message);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const refused = {
          type: "AuthError",
          error: error.message,
          baseVersion: message.baseVersion,
          authUpdateAttempted: true,
        };
        this.#send(refused);
        this.#socket.close(1008, error.code);
        return;
      }
      this.#wanted.identity += 1;
      for (const [id, query] of this.#queries) this.#rewatch(id, query);
      this.#update();
    });
    return this.#authentication;
  }

  #callerOf({ tokenType, value, impersonating, actingAs }) {
    if (tokenType === "Admin") return adminCaller(value, this.#deployment, impersonating ?? actingAs ?? null);
    return tokenType === "User" ? userCaller(value, this.#deployment) : NOBODY;
  }

  async #modify({ baseVersion, newVersion, modifications }) {
    await this.#authentication;
    if (baseVersion !== this.#wanted.querySet) throw new Error("Base version does not match the query set version");
    for (const { type, queryId, udfPath, args, journal } of modifications) {
      if (type === "Add") {
        const wish = { path: udfPath, args, journal: journal ?? null };
        this.#queries.set(queryId, {
          wish,
          entry: this.#deployment.subscriptions.watch(this.#caller, wish),
          sent: null,
        });
      } else if (this.#queries.has(queryId)) {
        this.#deployment.subscriptions.unwatch(this.#queries.get(queryId).entry);
        this.#queries.delete(queryId);
        this.#removed.push(queryId);
      }
    }
    this.#wanted.querySet = newVersion;
    this.#update();
  }

  #mutation({ requestId, udfPath, args }) {
    this.#mutations = this.#mutations.then(async () => {
      await this.#authentication;
      const outcome = await this.#run("Mutation", udfPath, args);
      const base = { type: "MutationResponse", requestId, success: outcome.ok, logLines: outcome.lines };
      if (outcome.ok) this.#send(base, { result: outcome.value, ts: JSON.stringify(timestampText(outcome.timestamp)) });
      else this.#send({ ...base, result: outcome.message, ...errorData(outcome) });
      this.#update(); // the client holds its optimistic update until a transition passes the mutation's time
    });
    return this.#mutations;
  }

  async #action({ requestId, udfPath, args }) {
    await this.#authentication;
    const outcome = await this.#run("Action", udfPath, args);
    const base = { type: "ActionResponse", requestId, success: outcome.ok, logLines: outcome.lines };
    if (outcome.ok) this.#send(base, { result: outcome.value });
    else this.#send({ ...base, result: outcome.message, ...errorData(outcome) });
  }

  async #run(kind, path, args) {
    let status = 200;
    try {
      return await callFunction(this.#deployment, this.#caller, { path, kind, args });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      status = error.status;
      return { ok: false, message: error.message, lines: [] };
    } finally {
      this.#record(kind, path, status);
    }
  }

  #rewatch(id, query) {
    this.#deployment.subscriptions.unwatch(query.entry);
    const entry = this.#deployment.subscriptions.watch(this.#caller, query.wish);
    this.#queries.set(id, { ...query, entry });
  }

  #mayHaveChanged() {
    for (const { entry } of this.#queries.values()) {
      if (entry.dirty || entry.running) return this.#update();
    }
    return undefined;
  }

  async #update() {
    this.#again = true;
    if (this.#updating) return;
    this.#updating = true;
    try {
      while (this.#again && this.#socket.readyState === this.#socket.OPEN) {
        this.#again = false;
        await this.#transition();
      }
    } catch (error) {
      this.#fatal(error);
    } finally {
      this.#updating = false;
    }
  }

  async #transition() {
    const { subscriptions } = this.#deployment;
    const version = { ...this.#wanted };
    const queries = [...this.#queries];
    await subscriptions.refresh(queries.map(([, { entry }]) => entry));
    if (version.querySet !== this.#wanted.querySet || version.identity !== this.#wanted.identity) {
      this.#again = true; // the client has moved on meanwhile
      return;
    }
    const modifications = this.#removed.splice(0).map((queryId) => JSON.stringify({ type: "QueryRemoved", queryId }));
    for (const [queryId, query] of this.#queries) {
      const { result } = query.entry;
      if (result === null || result === query.sent) continue;
      query.sent = result;
      modifications.push(modificationText(queryId, result, query.entry.journal));
    }
    const end = { ...version, ts: subscriptions.timestamp };
    const same =
      end.querySet === this.#sent.querySet && end.identity === this.#sent.identity && end.ts === this.#sent.ts;
    if (same && modifications.length === 0) return;
    const texts = {
      startVersion: versionText(this.#sent),
      endVersion: versionText(end),
      modifications: `[${modifications.join(",")}]`,
    };
    this.#sent = end;
    this.#send({ type: "Transition" }, texts);
  }

  /** Send a message; `texts` are fields that are JSON text already. */
  #send(message, texts = {}) {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const fields = Object.entries(texts).map(([name, text]) => `,${JSON.stringify(name)}:${text}`);
    this.#socket.send(`${JSON.stringify(message).slice(0, -1)}${fields.join("")}}`);
  }

  #fatal(error) {
    console.error(`sync connection of ${this.#deployment.name}: ${error.stack}`);
    this.#send({ type: "FatalError", error: error.message });
    this.#socket.close(1011, "FatalError");
  }

  #end() {
    clearInterval(this.#ping);
    this.#stopListening();
    for (const { entry } of this.#queries.values()) this.#deployment.subscriptions.unwatch(entry);
    this.#queries.clear();
  }
}

function modificationText(queryId, { ok, value, message, data, lines }, journal) {
  const base = { queryId, logLines: lines, journal };
  if (!ok) return JSON.stringify({ type: "QueryFailed", ...base, errorMessage: message, ...errorData({ data }) });
  return `${JSON.stringify({ type: "QueryUpdated", ...base }).slice(0, -1)},"value":${value}}`;
}

const errorData = ({ data }) => (data === undefined ? {} : { errorData: data });
const versionText = ({ querySet, identity, ts }) => JSON.stringify({ querySet, identity, ts: timestampText(ts) });
