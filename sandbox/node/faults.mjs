// Bad weather for a Node process. The supervisor counts; a file tells whether anything is armed at all, and only then is it asked.

import fs from "node:fs";

export class Faults {
  #file;
  #control;
  #service;
  #seen = "";
  #armed = false;

  constructor(file, control, service) {
    this.#file = file;
    this.#control = control;
    this.#service = service;
  }

  /** The fault for this request, counted down by the supervisor; null in fair weather. */
  async take(method, path) {
    if (!this.#anyArmed()) return null;
    try {
      const body = JSON.stringify({ service: this.#service, method, path });
      const answer = await fetch(`${this.#control}/faults/take`, { method: "POST", body });
      return (await answer.json()).fault ?? null;
    } catch {
      return null; // the supervisor is ending
    }
  }

  #anyArmed() {
    try {
      const { ino, mtimeMs, size } = fs.statSync(this.#file);
      const seen = `${ino} ${mtimeMs} ${size}`; // replaced by renaming, so the inode differs even within one tick
      if (seen !== this.#seen) {
        const armed = JSON.parse(fs.readFileSync(this.#file, "utf8"));
        this.#armed = armed.some((fault) => fault.service === this.#service);
        this.#seen = seen;
      }
    } catch {
      this.#armed = false;
    }
    return this.#armed;
  }
}

/** Wait as long as a fault says. */
export function pause(milliseconds) {
  return milliseconds ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : Promise.resolve();
}
