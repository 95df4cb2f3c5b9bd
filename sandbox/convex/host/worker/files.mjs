// File storage of one deployment: bytes in a folder, metadata as documents of the table `_storage`.
// Replaces convex-test's in-memory storage, whose addresses lead nowhere.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const UPLOAD_SECONDS = 3600;

export class Files {
  #folder;
  #secret;
  #cloudUrl;
  #database;

  constructor({ folder, secret, cloudUrl }, database) {
    this.#folder = path.join(folder, "files");
    this.#secret = secret;
    this.#cloudUrl = cloudUrl;
    this.#database = database;
  }

  /** Keep a file; the answer is its storage id. Runs in a transaction of its own. */
  store(bytes, contentType) {
    const { t, db } = this.#database;
    const metadata = { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("base64") };
    if (contentType) metadata.contentType = contentType;
    return t.run(async () => {
      const storageId = db.insert("_storage", metadata);
      this.put(storageId, bytes); // before the commit: a document never lacks its bytes
      return storageId;
    });
  }

  /** Write the bytes of a file whose document is somebody else's business. */
  put(storageId, bytes) {
    if (!/^\d+_storage$/.test(storageId)) throw new Error(`${storageId} is not a storage id`);
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    fs.writeFileSync(this.#path(storageId), bytes, { mode: 0o600 });
  }

  /** `{path, contentType, sha256}` of a stored file, or null. */
  find(storageId) {
    const metadata = this.#database.db._documents[storageId];
    if (!metadata || !/^\d+_storage$/.test(storageId)) return null;
    return { path: this.#path(storageId), contentType: metadata.contentType ?? null, sha256: metadata.sha256 };
  }

  /** The file as a Blob, as actions get it. */
  blob(storageId) {
    const found = this.find(storageId);
    return found && new Blob([fs.readFileSync(found.path)], { type: found.contentType ?? "" });
  }

  /** Where a client may fetch the file. */
  address(storageId) {
    return this.#database.db.get("_storage", storageId) === null ? null : `${this.#cloudUrl}/api/storage/${storageId}`;
  }

  /** Where a client may upload one file during the next hour. */
  uploadAddress() {
    const expires = String(Math.floor(Date.now() / 1000) + UPLOAD_SECONDS);
    return `${this.#cloudUrl}/api/storage/upload?token=${expires}.${this.#signature(expires)}`;
  }

  /** True for the token of an upload address that has not expired. */
  accepts(token) {
    const [expires, signature = ""] = String(token ?? "").split(".");
    const wanted = Buffer.from(this.#signature(expires));
    const given = Buffer.from(signature);
    return Number(expires) * 1000 > Date.now() && wanted.length === given.length && timingSafeEqual(wanted, given);
  }

  /** Remove bytes whose document is gone. */
  forget(storageId) {
    fs.rmSync(this.#path(storageId), { force: true });
  }

  #path(storageId) {
    return path.join(this.#folder, storageId);
  }

  #signature(text) {
    return createHmac("sha256", this.#secret).update(text).digest("base64url");
  }
}
