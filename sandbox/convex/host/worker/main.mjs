// The thread of one deployment: its pushed modules, its documents, its timers, its own `process.env`.
// Speaks to the host in messages `{id, op, ...}` -> `{id, ok, result | error}`; on its own it sends `{event, ...}`.
// Begins in the state "staged" (code loaded, nothing live); `activate` gives it the documents.

import path from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { pathToFileURL } from "node:url";

import { exportArchive, importDocuments, planImport } from "./backup.mjs";
import { captureConsole } from "./console.mjs";
import { connect, executions, firstMisfit, openDatabase } from "./database.mjs";
import { Files } from "./files.mjs";
import { Functions, canonicalPath, withSiteAddresses } from "./functions.mjs";
import { Journal } from "./journal.mjs";
import { PushError, analyze, loadModules } from "./modules.mjs";
import { extendSyscalls } from "./syscalls.mjs";
import { documentsOf, documentsPage } from "./tables.mjs";
import { Timers } from "./timers.mjs";

const SETTLE_SECONDS = 10; // how long a replaced deployment may finish what it is doing

const state = { live: false, definedBy: null };
const journal = new Journal(workerData.folder);
captureConsole(() => executions.getStore());
// A stray rejection in pushed code must not end the thread, with everybody else's requests.
process.on("unhandledRejection", (reason) => console.error(`unhandled rejection: ${reason?.stack ?? reason}`));

const operations = {
  /** Load the code and say what is in it. */
  async stage() {
    const modules = workerData.modules;
    state.loaded = await loadModules(workerData.codeFolder, modules);
    state.analysis = analyze(state.loaded, {
      definitionPath: workerData.definitionPath,
      environment: { authVariables: workerData.authVariables, values: process.env },
    });
    return state.analysis;
  },

  /** Would the documents on disk fit the schema of the loaded code? */
  validate() {
    return firstMisfit(state.analysis.schema, journal.load({ repair: false }).documents);
  },

  /** Take over the documents and begin to work. */
  async activate() {
    const schemaModule = state.loaded.get("schema.js")?.default ?? null;
    const database = openDatabase(schemaModule, moduleLoaders());
    const functions = new Functions(database, state.analysis, workerData);
    const files = new Files(workerData, database);
    const runScheduled = (functionPath, args, caller) => scheduledRun(functions, functionPath, args, caller);
    const timers = new Timers(workerData.folder, database, runScheduled, (one) => functions.kindOf(one));
    const { tables } = connect(database, state.analysis.schema, journal, (timestamp, writes) => {
      timers.noticed(writes);
      for (const [id, document] of Object.entries(writes)) {
        if (document === null && id.endsWith("_storage")) files.forget(id);
      }
      const changed = [...new Set(Object.keys(writes).map((id) => id.replace(/^\d+/, "")))];
      parentPort.postMessage({ event: "commit", timestamp, tables: changed });
    });
    extendSyscalls(database, { files, timers, canonicalPath, deployment: workerData.deployment });
    Object.assign(state, { live: true, database, functions, files, timers, tables });
    await timers.start(state.analysis.crons);
    return { timestamp: database.transactions._lastCommitTs };
  },

  call: (request) => state.functions.call(request),

  /** A query that came as source text. */
  async inline({ file }) {
    const module = await import(pathToFileURL(file).href);
    const handler = module.default?._handler ?? module.default;
    if (typeof handler !== "function") throw new PushError("InvalidModules", "the inline query exports no query");
    return state.functions.callInline(handler);
  },

  /** An HTTP action; the body of the answer follows in `chunk` events. */
  async serve(request) {
    if (!state.loaded.has("http.js")) return { missing: true };
    const { response, error, lines } = await state.functions.serve(request);
    if (error) return { error, lines };
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: [...response.headers], body, lines };
  },

  storeFile: ({ bytes, contentType }) => state.files.store(Buffer.from(bytes), contentType),
  findFile: ({ storageId }) => state.files.find(storageId),
  acceptsUpload: ({ token }) => state.files.accepts(token),
  tables: () => state.tables().filter((name) => !name.startsWith("_")),
  counts: () => Object.fromEntries(state.tables().map((name) => [name, documentsOf(state.database.db, name).length])),
  page: (request) => documentsPage(state.database.db, request),
  export: ({ target, includeStorage }) => exportArchive(state, target, includeStorage),
  planImport: (request) => planImport(state, request),
  import: (request) => importDocuments(state, request),
  busy: () => state.timers.busy || Object.keys(state.analysis.crons).length > 0,

  /** End orderly: nothing new begins, what runs may finish. */
  async stop() {
    if (!state.live) return null;
    state.timers.stop();
    for (let waited = 0; state.functions.running > 0 && waited < SETTLE_SECONDS * 50; waited += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    journal.close();
    return null;
  },
};

async function scheduledRun(functions, functionPath, args, caller) {
  const outcome = await functions.call({ path: functionPath, args, internal: true });
  const { tables, journal: _, ...rest } = outcome;
  parentPort.postMessage({ event: "ran", path: functionPath, caller, outcome: rest });
  return outcome;
}

function moduleLoaders() {
  // convex-test finds the root of the functions by a key that contains `_generated`.
  const loaders = { "/_generated/api.js": async () => ({}) };
  for (const [file, module] of state.loaded) {
    const seen = file === "http.js" ? { ...module, default: withSiteAddresses(module.default) } : module;
    loaders[path.posix.join("/", file)] = async () => seen;
  }
  return loaders;
}

parentPort.on("message", async ({ id, op, ...request }) => {
  try {
    parentPort.postMessage({ id, ok: true, result: await operations[op](request) });
  } catch (error) {
    const code = error instanceof PushError ? error.code : null;
    if (code === null) console.error(`operation ${op}: ${error.stack}`);
    parentPort.postMessage({ id, ok: false, error: { code, message: error.message } });
  }
});
