// The audit log of a deployment: who changed what, kept on disk, read page by page.

import fs from "node:fs";

import { badRequest } from "./refusal.mjs";

const DEFAULT_PAGE = 15;
const LARGEST_PAGE = 100;

export class AuditLog {
  #file;

  constructor(file) {
    this.#file = file;
  }

  /** Append one event. `actor` is `{token, ip, userAgent}` of the request. */
  add(action, metadata, { token = 0, ip = null, userAgent = null } = {}) {
    const event = {
      actor: { kind: "token", member_id: null, token_id: token, client_id: null },
      action,
      createTime: Date.now(),
      metadata,
      clientIp: ip,
      clientUserAgent: userAgent,
    };
    fs.appendFileSync(this.#file, `${JSON.stringify(event)}\n`, { mode: 0o600 });
  }

  /** One page from a time on, oldest first. */
  page({ from, limit = DEFAULT_PAGE, cursor = null }) {
    if (!/^\d+$/.test(String(from))) throw badRequest("BadQueryArgs", "`from` is required: milliseconds since epoch");
    const events = this.#read().filter((event) => event.createTime >= Number(from));
    const start = cursor === null ? 0 : Number(cursor);
    const end = start + Math.min(Math.max(1, Number(limit)), LARGEST_PAGE);
    const hasMore = end < events.length;
    return { items: events.slice(start, end), pagination: { hasMore, nextCursor: hasMore ? String(end) : null } };
  }

  #read() {
    if (!fs.existsSync(this.#file)) return [];
    return fs
      .readFileSync(this.#file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
}
