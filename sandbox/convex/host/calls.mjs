// A function call from outside, whichever way it came: runs it, notes it in the function log, and turns the outcome into what
// this caller may see.

import { randomBytes } from "node:crypto";

/** `messages:list`, `messages.js:list` and `messages` (its default export) mean one function: its canonical path. */
export function canonicalPath(text) {
  const [file, name = "default"] = String(text).split(":");
  return `${file.replace(/\.js$/, "")}.js:${name}`;
}

/** Run a function. Answers `{ok, value | message + data, lines, timestamp, tables, journal}`. */
export async function callFunction(deployment, caller, { path, kind = null, args, journal = null }) {
  const thread = await deployment.thread();
  const canonical = canonicalPath(path);
  const outcome = await thread.run({
    path: canonical,
    kind,
    args,
    journal,
    identity: caller.identity,
    internal: caller.kind === "admin",
  });
  return reported(deployment, caller, canonical, outcome);
}

/** Note an outcome in the function log and shape it for the caller. */
export function reported(deployment, caller, path, outcome) {
  const requestId = randomBytes(8).toString("hex");
  deployment.log.ran(path, "HttpApi", outcome, requestId);
  deployment.subscriptions.observed(outcome.timestamp);
  const hidden = deployment.hides(caller);
  const lines = hidden ? [] : outcome.lines.map(lineText);
  if (outcome.ok) return { ...outcome, lines };
  const { error, ...rest } = outcome;
  const message = `[Request ID: ${requestId}] Server Error${hidden ? "" : `\n${error.message}`}`;
  return { ...rest, message, data: error.data, lines };
}

const lineText = ({ level, messages }) => `[${level}] ${messages.join(" ")}`;
