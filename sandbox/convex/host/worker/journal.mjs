// The documents of one deployment on disk: an append-only file of commits, so that what a client was told is never lost,
// not even by kill -9, and a write costs one line. Knows documents and commits, nothing of functions.

import fs from "node:fs";
import path from "node:path";
import { convexToJson, jsonToConvex } from "convex/values";

const LINES_WORTH_COMPACTING = 500;
const DOCUMENTS_PER_LINE = 500;

export class Journal {
  #path;
  #descriptor = null;

  constructor(folder) {
    this.#path = path.join(folder, "documents.ndjson");
  }

  /**
   * Everything that was committed: documents by id, the next document number and the last commit's timestamp.
   * `repair` cuts off a commit that was never finished; only who is about to write may ask for it.
   */
  load({ repair }) {
    const state = { documents: {}, next: 10000, timestamp: 0n };
    const lines = this.#lines(repair);
    for (const line of lines) {
      for (const [id, document] of Object.entries(line.writes)) {
        if (document === null) delete state.documents[id];
        else state.documents[id] = jsonToConvex(document);
      }
      state.next = Math.max(state.next, line.next);
      const timestamp = BigInt(line.ts);
      if (timestamp > state.timestamp) state.timestamp = timestamp;
    }
    const needed = Math.ceil(Object.keys(state.documents).length / DOCUMENTS_PER_LINE);
    state.compactable = lines.length > needed + LINES_WORTH_COMPACTING;
    return state;
  }

  /** Add one commit; returns when the operating system has it. */
  append(timestamp, next, writes) {
    this.#descriptor ??= fs.openSync(this.#path, "a", 0o600);
    fs.writeSync(this.#descriptor, line(timestamp, next, Object.entries(writes)));
  }

  /** Replace the history by its result. */
  compact({ documents, next, timestamp }) {
    this.close();
    const temporary = `${this.#path}.new`;
    const entries = Object.entries(documents);
    const descriptor = fs.openSync(temporary, "w", 0o600);
    for (let start = 0; start === 0 || start < entries.length; start += DOCUMENTS_PER_LINE) {
      fs.writeSync(descriptor, line(timestamp, next, entries.slice(start, start + DOCUMENTS_PER_LINE)));
    }
    fs.closeSync(descriptor);
    fs.renameSync(temporary, this.#path);
  }

  close() {
    if (this.#descriptor !== null) fs.closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #lines(repair) {
    let text;
    try {
      text = fs.readFileSync(this.#path, "utf8");
    } catch (error) {
      if (error.code === "ENOENT") return [];
      throw error;
    }
    const end = text.lastIndexOf("\n") + 1;
    // The rest is a commit that was being written when the process was killed: nobody was told that it happened.
    if (repair && end < text.length) fs.truncateSync(this.#path, Buffer.byteLength(text.slice(0, end)));
    return text
      .slice(0, end)
      .split("\n")
      .filter(Boolean)
      .map((one) => JSON.parse(one));
  }
}

function line(timestamp, next, entries) {
  const writes = Object.fromEntries(
    entries.map(([id, document]) => [id, document === null ? null : convexToJson(document)]),
  );
  return `${JSON.stringify({ ts: timestamp.toString(), next, writes })}\n`;
}
