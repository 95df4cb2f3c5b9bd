// HTTP actions: requests to the site origin (or below `/http` of the cloud origin) go to the pushed router.

import { randomBytes } from "node:crypto";

import { NOBODY, callerOf } from "./auth.mjs";

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "content-encoding",
  "host",
  "expect",
]);

/** Run the HTTP action of this request. Its own headers decide about CORS, as on the real site origin. */
export async function serveSite({ deployment, method, url, headers, header, body }) {
  const push = deployment.push;
  if (!push?.modules.some((one) => one.path === "http.js")) {
    return text(404, "This Convex deployment does not have HTTP actions enabled.");
  }
  // A wrong token is no refusal here: the action sees no identity.
  const caller = await callerOf(header("authorization"), deployment).catch(() => NOBODY);
  const thread = await deployment.thread();
  const passed = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  const request = { method, url, headers: passed, body: body.length > 0 ? body : null, identity: caller.identity };
  const outcome = await thread.call("serve", request, 600);
  const requestId = randomBytes(8).toString("hex");
  const path = url.split("?")[0];
  deployment.log.ran(
    `${method} ${path}`,
    "HttpEndpoint",
    { ok: !outcome.error, kind: "HttpAction", lines: [], ...outcome },
    requestId,
  );
  if (outcome.error) return failure(deployment, requestId, outcome.error);
  return {
    status: outcome.status,
    headers: headerLists(outcome.headers),
    body: Buffer.from(outcome.body),
    cors: false,
  };
}

function failure(deployment, requestId, { message, data }) {
  const hidden = deployment.hides(NOBODY);
  const body = {
    code: `[Request ID: ${requestId}] Server Error${hidden ? "" : `: ${message.split("\n")[0].replace(/^Uncaught \w+: /, "")}`}`,
  };
  if (!hidden) body.trace = message;
  if (data !== undefined) body.data = data;
  return { status: 500, headers: { "content-type": "application/json" }, body: JSON.stringify(body), cors: false };
}

// A header may occur several times (Set-Cookie).
function headerLists(pairs) {
  const lists = {};
  for (const [name, value] of pairs) if (!HOP_BY_HOP.has(name)) (lists[name] ??= []).push(value);
  return lists;
}

const text = (status, body) => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body,
  cors: false,
});
