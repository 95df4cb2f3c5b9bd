// Export and import of a deployment's documents and files, in the layout of the real snapshots:
// `<table>/documents.jsonl`, `_storage/documents.jsonl` and `_storage/<id>`.

import fs from "node:fs";
import { convexToJson, jsonToConvex } from "convex/values";

import { floatText } from "../values.mjs";
import { unzip, zip } from "../zip.mjs";
import { documentsOf } from "./tables.mjs";
import { tableOf } from "./validators.mjs";

/** Write a snapshot to `target`; the answer is the number of documents. */
export function exportArchive({ database, files, tables }, target, includeStorage) {
  const names = tables().filter((name) => !name.startsWith("_"));
  const lines = (documents) => Buffer.from(documents.map((one) => `${floatText(convexToJson(one))}\n`).join(""));
  const entries = [
    [
      "_tables/documents.jsonl",
      Buffer.from(names.map((name, index) => `${JSON.stringify({ name, id: 10001 + index })}\n`).join("")),
    ],
  ];
  let count = 0;
  for (const name of names) {
    const documents = documentsOf(database.db, name);
    count += documents.length;
    entries.push([`${name}/documents.jsonl`, lines(documents)]);
  }
  if (includeStorage) {
    const stored = documentsOf(database.db, "_storage");
    entries.push(["_storage/documents.jsonl", lines(stored)]);
    for (const { _id } of stored) entries.push([`_storage/${_id}`, fs.readFileSync(files.find(_id).path)]);
  }
  fs.writeFileSync(target, zip(entries), { mode: 0o600 });
  return count;
}

/** What an import would do: `{counts: {table: {added, existing, deleted}}}`; a refusal throws. */
export function planImport({ database, tables }, request) {
  const incoming = parse(request);
  const existing = new Map(tables().map((name) => [name, documentsOf(database.db, name).length]));
  const counts = {};
  for (const [table, documents] of incoming.documents) {
    const before = existing.get(table) ?? 0;
    if (request.mode === "requireEmpty" && before > 0) {
      const ways = "use `--append` to add documents, or `--replace` to replace the table";
      throw new Error(`Data already exists in table \`${table}\` in your deployment; ${ways}`);
    }
    counts[table] = { added: documents.length, existing: before, deleted: request.mode === "append" ? 0 : before };
  }
  if (request.mode === "replaceAll") {
    for (const [table, before] of existing) {
      if (!(table in counts) && !table.startsWith("_")) counts[table] = { added: 0, existing: before, deleted: before };
    }
  }
  return { counts };
}

/** Carry it out in one transaction; the answer is the number of documents that were written. */
export async function importDocuments(state, request) {
  const { database, files } = state;
  const { db, t } = database;
  const { counts } = planImport(state, request);
  const incoming = parse(request);
  const renamed = renamer(incoming, db);
  for (const [id, bytes] of incoming.files) files.put(renamed(id), bytes);
  let written = 0;
  await t.run(async () => {
    for (const [table, { deleted }] of Object.entries(counts)) {
      if (deleted > 0) for (const { _id } of documentsOf(db, table)) db._addWrite(_id, null);
    }
    for (const [table, documents] of incoming.documents) {
      for (const { _id, _creationTime, ...fields } of documents) {
        const values = replaceTexts(fields, renamed);
        if (_id === undefined) {
          db.insert(table, values);
        } else {
          db._validate(table, values);
          db._addWrite(renamed(_id), { ...values, _id: renamed(_id), _creationTime: _creationTime ?? Date.now() });
        }
        written += 1;
      }
    }
  });
  return written;
}

function parse({ file, format, table }) {
  const bytes = fs.readFileSync(file);
  if (format === "zip") return parseArchive(bytes);
  const text = bytes.toString("utf8");
  const rows = { csv: csvRows, jsonLines, jsonArray: (one) => JSON.parse(one) }[format]?.(text);
  if (!Array.isArray(rows)) throw new Error(`cannot import the format ${format}`);
  return { documents: new Map([[table, rows.map((row) => jsonToConvex(row))]]), files: new Map() };
}

function parseArchive(bytes) {
  const documents = new Map();
  const files = new Map();
  for (const [name, content] of unzip(bytes)) {
    const [table, file] = name.split("/");
    if (file === "documents.jsonl" && table !== "_tables") {
      documents.set(
        table,
        jsonLines(content.toString("utf8")).map((row) => jsonToConvex(row)),
      );
    } else if (table === "_storage" && file !== undefined && !file.endsWith(".jsonl")) {
      files.set(file.split(".")[0], content);
    }
  }
  return { documents, files };
}

// Documents that come from another server have ids of another form; here an id must name its table.
function renamer(incoming, db) {
  const names = new Map();
  for (const [table, documents] of incoming.documents) {
    for (const { _id } of documents) {
      if (_id === undefined) continue;
      if (tableOf(_id) === table) db._nextDocId = Math.max(db._nextDocId, Number(/^\d+/.exec(_id)[0]) + 1);
      else names.set(_id, null);
    }
  }
  for (const [table, documents] of incoming.documents) {
    for (const { _id } of documents) if (names.get(_id) === null) names.set(_id, db._generateId(table));
  }
  return (id) => names.get(id) ?? id;
}

function replaceTexts(value, renamed) {
  if (typeof value === "string") return renamed(value);
  if (Array.isArray(value)) return value.map((item) => replaceTexts(item, renamed));
  if (value === null || typeof value !== "object" || value instanceof ArrayBuffer) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceTexts(item, renamed)]));
}

const jsonLines = (text) =>
  text
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => JSON.parse(line));

function csvRows(text) {
  const [header, ...rows] = csvCells(text);
  return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, csvValue(cells[index] ?? "")])));
}

// As the real server: what reads as a number is a number, everything else a text.
const csvValue = (cell) => (cell.trim() !== "" && Number.isFinite(Number(cell)) ? Number(cell) : cell);

function csvCells(text) {
  const rows = [];
  const pattern = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g;
  let row = [];
  for (const [whole, cell, end] of text.matchAll(pattern)) {
    if (whole === "" && row.length === 0) break;
    row.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end !== ",") {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}
