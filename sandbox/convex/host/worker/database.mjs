// convex-test's database, with what a deployment needs beyond a test: it is filled from the journal, every commit goes to the
// journal before anybody is told, reads are noted so that subscriptions know what concerns them, and errors have the
// real server's words. convex-test keeps its database private, hence `internalsOf`; the version is pinned for that reason.

import { AsyncLocalStorage } from "node:async_hooks";
import { convexTest } from "convex-test";

import { mismatch, tableOf } from "./validators.mjs";

/** The execution that the current code belongs to: `{tables, timestamp, ...}`. */
export const executions = new AsyncLocalStorage();

/** A convex-test instance and its private parts: `{t, global, db, transactions}`. */
export function openDatabase(schema, modules) {
  const t = convexTest({ schema: schema ?? undefined, modules, transactionLimits: true });
  const global = internalsOf(t);
  return { t, global, db: global.components[""].db, transactions: global.transactionManager };
}

/** Fill the database and route its commits. `onCommit(timestamp, writes)` runs after each commit that wrote something. */
export function connect({ db, transactions }, schemaJson, journal, onCommit) {
  const state = journal.load({ repair: true });
  const idsByTable = new Map();
  db._documents = state.documents;
  db._nextDocId = state.next;
  transactions._lastCommitTs = state.timestamp;
  for (const id of Object.keys(state.documents)) remember(id, state.documents[id]);
  if (state.compactable) journal.compact(state);

  function remember(id, document) {
    const table = tableOf(id);
    let ids = idsByTable.get(table);
    if (!ids) idsByTable.set(table, (ids = new Set()));
    if (document === null) ids.delete(id);
    else ids.add(id);
  }

  const { startTransaction, commit, get } = Object.getPrototypeOf(db);
  db.startTransaction = function () {
    startTransaction.call(this);
    const execution = executions.getStore();
    if (execution && this._writes.length === 1) execution.timestamp = transactions._lastCommitTs;
  };
  db.commit = function (timestamp = null) {
    const outermost = this._writes.length === 1 ? this._writes[0] : null;
    commit.call(this, timestamp);
    const ids = outermost ? Object.keys(outermost) : [];
    const execution = executions.getStore();
    if (execution && outermost) execution.timestamp = transactions._lastCommitTs;
    if (ids.length === 0) return;
    const writes = Object.fromEntries(ids.map((id) => [id, this._documents[id] ?? null]));
    for (const id of ids) remember(id, writes[id]);
    try {
      journal.append(timestamp, this._nextDocId, writes);
    } catch (error) {
      // Memory is ahead of the disk now and nobody was told of the commit yet: begin again from the disk.
      console.error(`the commit could not be written: ${error.message}`);
      process.exit(1);
    }
    onCommit(timestamp, writes);
  };
  db.get = function (table, id) {
    const name = typeof id === "string" ? tableOf(id) : null;
    if (name !== null) executions.getStore()?.tables.add(name);
    return get.call(this, table, id);
  };
  // convex-test looks at every document of every table for each query; a deployment may have many.
  db._iterateDocs = function (table, callback) {
    executions.getStore()?.tables.add(table);
    const ids = new Set(idsByTable.get(table) ?? []);
    for (const level of this._writes) {
      for (const id of Object.keys(level)) if (tableOf(id) === table) ids.add(id);
    }
    for (const id of ids) {
      const document = get.call(this, undefined, id);
      if (document !== null) callback(document);
    }
  };
  const validators = documentValidators(schemaJson);
  db._validate = function (table, fields) {
    const reason = validators.get(table)?.(withoutUndefined(fields)) ?? null;
    if (reason !== null) {
      const what = `Failed to insert or update a document in table "${table}"`;
      throw new Error(`${what} because it does not match the schema: ${reason}`);
    }
  };
  return { tables: () => [...idsByTable].filter(([, ids]) => ids.size > 0).map(([table]) => table) };
}

/** The first existing document that a schema does not allow: `{error, tableName}`, or null. */
export function firstMisfit(schemaJson, documents) {
  const validators = documentValidators(schemaJson);
  for (const [id, document] of Object.entries(documents)) {
    const table = tableOf(id);
    const { _id, _creationTime, ...fields } = document;
    const reason = validators.get(table)?.(fields) ?? null;
    if (reason !== null) {
      const what = `Document with ID "${id}" in table "${table}"`;
      return { error: `${what} does not match the schema: ${reason}`, tableName: table };
    }
  }
  return null;
}

function documentValidators(schemaJson) {
  const tables = schemaJson?.schemaValidation ? schemaJson.tables : [];
  return new Map(
    tables
      .filter((table) => table.documentType)
      .map((table) => [table.tableName, (fields) => mismatch(table.documentType, fields)]),
  );
}

const withoutUndefined = (fields) =>
  Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== undefined && name !== "_id" && name !== "_creationTime"),
  );

function internalsOf(t) {
  const run = AsyncLocalStorage.prototype.run;
  let found = null;
  AsyncLocalStorage.prototype.run = function (store, ...rest) {
    if (store?.components?.[""]?.db && store.transactionManager) found = store;
    return run.call(this, store, ...rest);
  };
  try {
    void t.finishInProgressScheduledFunctions(); // the cheapest call that enters convex-test's own context
  } finally {
    AsyncLocalStorage.prototype.run = run;
  }
  if (found === null)
    throw new Error("convex-test hides its database in another way now; the sandbox is made for 0.0.60");
  return found;
}
