// The two ports of one deployment: the cloud origin (API and WebSocket) and the site origin (HTTP actions).
// Around every request: faults, CORS, the request log, one form for refusals.

import http from "node:http";
import zlib from "node:zlib";
import { WebSocketServer } from "ws";

import { pause } from "../../node/faults.mjs";
import { now, readsOnly } from "../../node/requestlog.mjs";
import { NOBODY, callerOf, requireAction } from "./auth.mjs";
import { badRequest, Refusal, UnknownPath } from "./refusal.mjs";
import { findRoute } from "./routes.mjs";
import { serveSite } from "./site.mjs";
import { SyncConnection } from "./sync.mjs";

const HOST = "127.0.0.1";
const KEEP_ALIVE_SECONDS = 75;
const LARGEST_BODY = 128 * 1024 * 1024;
const SYNC = /^\/api\/(?:[^/]+\/)?sync$/;
const CUT = Symbol("the connection is cut on purpose");

export class DeploymentServer {
  #deployment;
  #log;
  #faults;
  #servers;
  #sockets = new WebSocketServer({ noServer: true });

  constructor(deployment, log, faults) {
    this.#deployment = deployment;
    this.#log = log;
    this.#faults = faults;
    const cloud = http.createServer((request, response) => void this.#handle(request, response, cloudAnswer));
    const site = http.createServer((request, response) => void this.#handle(request, response, siteAnswer));
    cloud.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
    // Longer than clients keep idle connections, or they would meet one that is just being closed.
    for (const server of [cloud, site]) server.keepAliveTimeout = KEEP_ALIVE_SECONDS * 1000;
    this.#servers = [
      [cloud, deployment.port],
      [site, deployment.sitePort],
    ];
  }

  /** Begin to answer; fails when a port is taken. */
  async listen() {
    await Promise.all(
      this.#servers.map(
        ([server, port]) =>
          new Promise((resolve, reject) => {
            server.once("error", reject);
            server.listen(port, HOST, resolve);
          }),
      ),
    );
  }

  async close() {
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const [server] of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #handle(incoming, outgoing, answerOf) {
    const entry = {
      time: now(),
      method: incoming.method,
      path: incoming.url,
      client: incoming.headers["user-agent"],
      mutating: !readsOnly(incoming.method),
      unknown: false,
    };
    const aborted = new AbortController();
    outgoing.on("close", () => aborted.abort());
    let answer;
    try {
      answer = await this.#answer(incoming, entry, answerOf, aborted.signal);
    } catch (error) {
      answer = refused(error, entry);
    }
    const status = answer === CUT ? 0 : answer.status;
    this.#log.write({ ...entry, status });
    if (answer === CUT) {
      incoming.socket.resetAndDestroy();
      return;
    }
    outgoing.writeHead(status, { ...answer.headers, ...(answer.cors === false ? {} : corsHeaders(incoming)) });
    outgoing.end(incoming.method === "HEAD" ? undefined : answer.body);
  }

  async #answer(incoming, entry, answerOf, signal) {
    const received = await readBody(incoming);
    const fault = await this.#faults.take(incoming.method, incoming.url);
    await pause(fault?.delay_ms);
    if (fault?.drop === "before") return CUT;
    if (fault?.status && !fault.drop) return injected(fault);
    if (this.#deployment.gone) throw goneRefusal(this.#deployment);
    const answer = await answerOf(requestOf(incoming, received, this.#deployment, entry, signal));
    return fault?.drop === "after" ? CUT : answer;
  }

  async #upgrade(incoming, socket, head) {
    const entry = {
      time: now(),
      method: "GET",
      path: incoming.url,
      client: incoming.headers["user-agent"],
      mutating: false,
      unknown: false,
    };
    const fault = await this.#faults.take("GET", incoming.url);
    await pause(fault?.delay_ms);
    const path = incoming.url.split("?")[0];
    const status = fault?.drop ? 0 : (fault?.status ?? (this.#deployment.gone || !SYNC.test(path) ? 404 : 101));
    this.#log.write({ ...entry, status, unknown: !SYNC.test(path) });
    if (status !== 101) {
      if (status === 0) socket.resetAndDestroy();
      else
        socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const record = (kind, name, result) =>
      this.#log.write({
        ...entry,
        time: now(),
        method: "WS",
        path: `${path}#${kind.toLowerCase()}:${name}`,
        status: result,
        mutating: true,
      });
    this.#sockets.handleUpgrade(
      incoming,
      socket,
      head,
      (connection) => new SyncConnection(connection, this.#deployment, record),
    );
  }
}

async function cloudAnswer(request) {
  if (request.method === "OPTIONS") return { status: 200, headers: {}, body: "" };
  if (request.path.startsWith("/http/") || request.path === "/http")
    return siteAnswer({ ...request, url: request.url.slice(5) || "/" });
  const found = findRoute(request.method === "HEAD" ? "GET" : request.method, request.path);
  if (!found) throw new UnknownPath(request.method, request.path);
  const { route, parameters } = found;
  if (route.mutating !== undefined) {
    request.entry.mutating = typeof route.mutating === "function" ? route.mutating(request) : route.mutating;
  }
  let caller = NOBODY;
  if (route.action) {
    // The deploy API has the key in its body, the others in the header.
    const credential =
      request.header("authorization") ?? (isJson(request) ? `Convex ${request.input().adminKey}` : undefined);
    caller = await callerOf(credential, request.deployment);
    requireAction(caller, route.action, request.deployment);
  }
  const actor = { token: caller.token, ip: "127.0.0.1", userAgent: request.header("user-agent") ?? null };
  return route.handler({ ...request, parameters, actor });
}

const siteAnswer = (request) => serveSite(request);

function requestOf(incoming, body, deployment, entry, signal) {
  const address = new URL(incoming.url, "http://deployment");
  let parsed;
  return {
    deployment,
    entry,
    signal,
    body,
    method: incoming.method,
    url: incoming.url,
    path: address.pathname,
    query: Object.fromEntries(address.searchParams),
    headers: incoming.headers,
    header: (name) => incoming.headers[name],
    input: () => (parsed ??= jsonBody(body)),
  };
}

function jsonBody(body) {
  try {
    const value = JSON.parse(body.toString("utf8"));
    if (value !== null && typeof value === "object") return value;
  } catch {
    // said below
  }
  throw badRequest("BadJsonBody", "Failed to parse the request body as JSON");
}

const isJson = ({ body }) => body.length > 0 && body[0] === 0x7b;

async function readBody(incoming) {
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Refusal(413, "PayloadTooLarge", "The request body is too large");
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const encoding = incoming.headers["content-encoding"];
  try {
    if (encoding === "br") return zlib.brotliDecompressSync(body);
    if (encoding === "gzip") return zlib.gunzipSync(body);
  } catch {
    throw badRequest("BadBody", `The request body is not encoded as ${encoding}`);
  }
  return body;
}

function refused(error, entry) {
  if (error instanceof UnknownPath) entry.unknown = true;
  if (!(error instanceof Refusal)) console.error(`${entry.method} ${entry.path.split("?")[0]}: ${error.stack}`);
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(500, "InternalServerError", "Your request couldn't be completed. Try again later.");
  return {
    status: refusal.status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(refusal.body),
  };
}

function injected({ status, code, message, retry_after_ms: wait }) {
  const headers = { "content-type": "application/json" };
  if (wait !== undefined && wait !== null) headers["retry-after"] = String(Math.ceil(wait / 1000));
  return {
    status,
    headers,
    body: JSON.stringify({ code: code ?? "Injected", message: message ?? "injected by sandbox fault" }),
  };
}

function goneRefusal({ name }) {
  return new Refusal(404, "DeploymentNotFound", `Deployment ${name} does not exist: it was deleted or has expired.`);
}

function corsHeaders({ headers }) {
  if (!headers.origin) return {};
  return {
    "access-control-allow-origin": headers.origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET,POST,OPTIONS,PATCH,DELETE,PUT",
    "access-control-max-age": "86400",
    vary: "origin, access-control-request-method, access-control-request-headers",
    ...(headers["access-control-request-headers"]
      ? { "access-control-allow-headers": headers["access-control-request-headers"] }
      : {}),
  };
}
