// The steady port in front of workerd: host names, request log, faults, patience while workerd restarts, WebSockets.
// Knows no Miniflare; `runtime` says where workerd is and when it may be asked.

import http from "node:http";
import net from "node:net";

import { pause } from "../node/faults.mjs";
import { now } from "../node/requestlog.mjs";
import { inward, outward, parseHost } from "./names.mjs";

const LARGEST_BODY = 100 * 1024 * 1024; // Cloudflare's own limit on most plans
const PATIENCE_MILLISECONDS = 5000;
const PAUSE_MILLISECONDS = 25;
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer"]);

export class Proxy {
  #runtime;
  #log;
  #faults;
  #admin;
  #agent = new http.Agent({ keepAlive: true });

  constructor({ runtime, log, faults, admin }) {
    this.#runtime = runtime;
    this.#log = log;
    this.#faults = faults;
    this.#admin = admin;
    runtime.onRestart = () => {
      this.#agent.destroy();
      this.#agent = new http.Agent({ keepAlive: true });
    };
    this.server = http.createServer((request, response) => this.#guard(request, response, this.#serve(request, response)));
    this.server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head).catch(() => socket.destroy()));
    this.server.keepAliveTimeout = 30_000;
  }

  listen(port) {
    return new Promise((resolve, reject) => this.server.once("error", reject).listen(port, "127.0.0.1", resolve));
  }

  #guard(request, response, work) {
    work.catch((error) => {
      process.stderr.write(`error ${request.method} ${request.url}: ${error.message}\n`);
      if (response.headersSent) response.destroy();
      else answer(response, 502, "error code: 502 (the sandbox's edge could not reach its runtime; see logs/edge.log)");
    });
  }

  async #serve(request, response) {
    const name = parseHost(request.headers.host);
    if (request.url.startsWith("/__sandbox/") && (name.host === "127.0.0.1" || name.host === "localhost")) {
      return this.#admin(request, response);
    }
    const entry = { time: now(), method: request.method, path: request.url, client: request.headers["user-agent"], host: name.host };
    const fault = await this.#faults.take(request.method, request.url);
    const body = await read(request);
    if (body === null) return this.#refuse(entry, response, 413, "error code: 413");
    if (fault) {
      await pause(fault.delay_ms);
      if (fault.drop === "before") return this.#cut(entry, request.socket);
      if (fault.status && !fault.drop) {
        if (fault.retry_after_ms) response.setHeader("retry-after", Math.ceil(fault.retry_after_ms / 1000));
        return this.#refuse(entry, response, fault.status, fault.message ?? `error code: ${fault.code ?? fault.status}`);
      }
    }
    return this.#runtime.use(() => this.#forward(request, response, { name, body, entry, drop: fault?.drop === "after" }));
  }

  async #forward(request, response, { name, body, entry, drop }) {
    const upstream = await this.#ask(request, name, body);
    if (drop) {
      upstream.destroy();
      return this.#cut(entry, request.socket);
    }
    const headers = Object.fromEntries(Object.entries(upstream.headers).filter(([key]) => !HOP_BY_HOP.has(key)));
    this.#log.write({ ...entry, status: upstream.statusCode });
    response.writeHead(upstream.statusCode, outward(headers, name));
    response.flushHeaders();
    return new Promise((resolve) => {
      upstream.on("error", () => response.destroy());
      response.on("close", () => {
        upstream.destroy();
        resolve();
      });
      upstream.pipe(response);
    });
  }

  /** One request to workerd; repeated while it restarts, unless it may have been carried out already. */
  async #ask(request, name, body) {
    const end = Date.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      try {
        return await this.#once(await this.#target(), request, name, body);
      } catch (error) {
        const harmless = error.code === "ECONNREFUSED" || error.reused || ["GET", "HEAD", "OPTIONS"].includes(request.method);
        if (!harmless || Date.now() > end) throw error;
        await pause(PAUSE_MILLISECONDS);
      }
    }
  }

  #once(target, request, name, body) {
    return new Promise((resolve, reject) => {
      const headers = { ...inward(request.headers, name), "content-length": body.length };
      if (body.length === 0 && !request.headers["content-length"]) delete headers["content-length"];
      for (const key of HOP_BY_HOP) delete headers[key];
      headers["mf-original-url"] = `https://${name.host}${request.url}`;
      headers["mf-disable-pretty-error"] = "true";
      headers["x-forwarded-proto"] = "https";
      const { hostname, port } = target;
      const outgoing = http.request({ hostname, port, agent: this.#agent, method: request.method, path: request.url, headers });
      outgoing.on("response", resolve);
      outgoing.on("error", (error) => reject(Object.assign(error, { reused: outgoing.reusedSocket })));
      outgoing.end(body);
    });
  }

  async #upgrade(request, socket, head) {
    const name = parseHost(request.headers.host);
    const entry = { time: now(), method: request.method, path: request.url, client: request.headers["user-agent"], host: name.host };
    const fault = await this.#faults.take(request.method, request.url);
    await pause(fault?.delay_ms);
    if (fault?.drop || fault?.status) return this.#cut(entry, socket);
    const { hostname, port } = await this.#target();
    const upstream = net.connect(Number(port), hostname);
    socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    upstream.once("connect", () => {
      const headers = { ...inward(request.headers, name), "mf-original-url": `https://${name.host}${request.url}` };
      const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}`);
      upstream.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      upstream.write(head);
      upstream.once("data", (first) => {
        this.#log.write({ ...entry, status: Number(/^HTTP\/1\.1 (\d+)/.exec(first.toString("latin1"))?.[1] ?? 502) });
        socket.write(first);
        upstream.pipe(socket);
        socket.pipe(upstream);
      });
    });
    return undefined;
  }

  async #target() {
    const address = await this.#runtime.address();
    if (!address) throw new Error("no runtime");
    return address;
  }

  #refuse(entry, response, status, text) {
    this.#log.write({ ...entry, status });
    answer(response, status, text);
  }

  /** End the connection with a reset instead of an answer. */
  #cut(entry, socket) {
    this.#log.write({ ...entry, status: 0 });
    socket.resetAndDestroy();
  }
}

function answer(response, status, text) {
  response.writeHead(status, { "content-type": "text/plain; charset=UTF-8", "cache-control": "no-store" });
  response.end(`${text}\n`);
}

/** The complete body; null when it is larger than Cloudflare takes. */
async function read(stream) {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > LARGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
