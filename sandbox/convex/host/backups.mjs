// Exports and imports as the CLI drives them: a request, a state that it watches, a file to fetch or to confirm.
// The documents themselves are the thread's business (`worker/backup.mjs`).

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { badRequest, Refusal } from "./refusal.mjs";

const KEPT_EXPORTS = 5;

export class Backups {
  #deployment;
  #folder;
  #exports = [];
  #imports = new Map();
  #uploads = new Map();

  constructor(deployment) {
    this.#deployment = deployment;
    this.#folder = path.join(deployment.folder, "backups");
    // Only finished exports are files, so this is the whole memory of a former life.
    if (fs.existsSync(this.#folder)) {
      const finished = fs
        .readdirSync(this.#folder)
        .filter((name) => /^export-\d+\.zip$/.test(name))
        .sort();
      this.#exports = finished.map((name) => completed(BigInt(/\d+/.exec(name)[0])));
    }
  }

  /** Begin an export; one at a time, as the real server. */
  requestExport(includeStorage) {
    if (this.latestExport()?.state === "in_progress") {
      throw badRequest("ExportInProgress", "There is already an export requested or in progress.");
    }
    const started = BigInt(Date.now()) * 1_000_000n;
    this.#exports.push({ state: "in_progress", start_ts: started });
    void this.#export(started, includeStorage);
  }

  latestExport() {
    return this.#exports.at(-1) ?? null;
  }

  /** The archive of a finished export. */
  exportFile(started) {
    const known = this.#exports.some((one) => one.state === "completed" && String(one.start_ts) === started);
    if (!known) throw new Refusal(404, "SnapshotNotFound", `The requested export ${started} was not found`);
    return this.#exportPath(started);
  }

  startUpload() {
    const token = randomBytes(16).toString("hex");
    this.#uploads.set(token, new Map());
    return token;
  }

  addPart(token, number, bytes) {
    this.#parts(token).set(Number(number), bytes);
  }

  /** The upload is complete: check it and wait for a confirmation, as the real server. */
  async finishUpload(token, { tableName = null, mode, format }) {
    const parts = [...this.#parts(token)].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
    this.#uploads.delete(token);
    const id = randomBytes(16).toString("hex");
    const request = { file: path.join(this.#makeFolder(), `import-${id}`), table: tableName, mode, format };
    fs.writeFileSync(request.file, Buffer.concat(parts), { mode: 0o600 });
    this.#imports.set(id, { request, state: { state: "uploaded" } });
    try {
      const { counts } = await (await this.#deployment.thread()).call("planImport", request);
      const deletes = Object.values(counts).some((one) => one.deleted > 0);
      const message = summary(counts);
      this.#changeImport(id, {
        state: "waiting_for_confirmation",
        message_to_confirm: message,
        require_manual_confirmation: deletes,
      });
    } catch (error) {
      this.#failImport(id, error);
    }
    return id;
  }

  /** Carry out a confirmed import. */
  performImport(id) {
    const found = this.#imports.get(id);
    if (found?.state.state !== "waiting_for_confirmation") {
      throw badRequest("ImportNotWaiting", "The import does not wait for a confirmation.");
    }
    this.#changeImport(id, { state: "in_progress", progress_message: "Importing", checkpoint_messages: [] });
    void this.#import(id, found.request);
  }

  importById(id) {
    const found = this.#imports.get(id);
    return found ? { _id: id, state: found.state } : null;
  }

  imports() {
    return [...this.#imports].map(([id, { state }]) => ({ _id: id, state }));
  }

  async #export(started, includeStorage) {
    const target = this.#exportPath(started);
    this.#makeFolder();
    let outcome = completed(started);
    try {
      await (await this.#deployment.thread()).call("export", { target, includeStorage });
    } catch (error) {
      console.error(`export of ${this.#deployment.name}: ${error.message}`);
      outcome = { state: "failed" };
    }
    this.#exports[this.#exports.length - 1] = outcome;
    for (const old of this.#exports.splice(0, this.#exports.length - KEPT_EXPORTS)) {
      if (old.start_ts) fs.rmSync(this.#exportPath(old.start_ts), { force: true });
    }
    this.#deployment.subscriptions.invalidateAll();
  }

  async #import(id, request) {
    try {
      const written = await (await this.#deployment.thread()).call("import", request);
      this.#changeImport(id, { state: "completed", num_rows_written: BigInt(written), timestamp: BigInt(Date.now()) });
    } catch (error) {
      this.#failImport(id, error);
    }
    fs.rmSync(request.file, { force: true });
  }

  #failImport(id, error) {
    fs.rmSync(this.#imports.get(id).request.file, { force: true });
    this.#changeImport(id, { state: "failed", error_message: error.message });
  }

  #changeImport(id, state) {
    this.#imports.get(id).state = state;
    this.#deployment.subscriptions.invalidateAll();
  }

  #parts(token) {
    const parts = this.#uploads.get(token);
    if (!parts) throw badRequest("InvalidUploadToken", "The upload token is not known.");
    return parts;
  }

  #exportPath(started) {
    return path.join(this.#folder, `export-${started}.zip`);
  }

  #makeFolder() {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    return this.#folder;
  }
}

const completed = (started) => ({
  state: "completed",
  start_ts: started,
  complete_ts: started + 1n,
  zip_object_key: `export-${started}.zip`,
});

function summary(counts) {
  const rows = Object.entries(counts).map(
    ([table, { added, existing, deleted }]) => `${table}: create ${added}, delete ${deleted} of ${existing} documents`,
  );
  return `Import change summary:\n${rows.join("\n")}\nOnce the import has started, it will run in the background.`;
}
