// The request log of a Node process: one line of JSON per request, in the form of sandbox/requestlog.py.
// Never a body, never a secret. A line is written before the answer leaves.

import fs from "node:fs";

const GRANTING =
  /([?&](?:x-amz-signature|x-amz-credential|x-amz-security-token|[a-z_]*token|[a-z_]*key|jwt)=)[^&]*/gi;
const READING = new Set(["GET", "HEAD", "OPTIONS"]);

export class RequestLog {
  #descriptor;
  #service;

  constructor(path, service) {
    this.#descriptor = fs.openSync(path, "a", 0o600);
    this.#service = service;
  }

  /** `status` 0 means that no answer was sent. */
  write({ time, method, path, status, client = "", mutating = !readsOnly(method), unknown = false, ...more }) {
    const entry = { time, service: this.#service, method, path: path.replace(GRANTING, "$1***"), status, client, mutating, unknown, ...more };
    fs.writeSync(this.#descriptor, `${JSON.stringify(entry)}\n`);
  }
}

/** What the method alone says about changing anything. */
export function readsOnly(method) {
  return READING.has(method);
}

/** RFC 3339 with microseconds, UTC. */
export function now() {
  const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const rest = String(microseconds % 1000).padStart(3, "0");
  return `${new Date(Math.floor(microseconds / 1000)).toISOString().slice(0, -1)}${rest}Z`;
}
