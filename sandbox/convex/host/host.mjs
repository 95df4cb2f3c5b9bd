// All deployments of the sandbox in one process. The control plane says over a private socket which there are; this file keeps
// them and their ports in step with that. Knows no protocol of Convex.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";

import { Faults } from "../../node/faults.mjs";
import { RequestLog } from "../../node/requestlog.mjs";
import { Backups } from "./backups.mjs";
import { Deployment } from "./deployment.mjs";
import { Pushes } from "./push.mjs";
import { coveredPaths } from "./routes.mjs";
import { DeploymentServer } from "./server.mjs";

const SERVICE = "convex-deployment";
const IDLE_CHECK_SECONDS = 60;

export class Host {
  #folder;
  #log;
  #faults;
  #running = new Map(); // by name: {deployment, server}

  constructor({ folder, log, faults, control }) {
    this.#folder = folder;
    this.#log = new RequestLog(log, SERVICE);
    this.#faults = new Faults(faults, control, SERVICE);
    setInterval(() => this.#restIdle(), IDLE_CHECK_SECONDS * 1000).unref();
  }

  /** Make true what the control plane says: every deployment with its keys; the others are gone. */
  async configure(configurations) {
    const wanted = new Map(configurations.map((one) => [one.name, one]));
    const problems = [];
    for (const [name, { deployment }] of this.#running) {
      // Its port keeps answering 404, as the real router does for deleted deployments.
      if (!wanted.has(name) && !deployment.deleted) await deployment.destroy();
    }
    await Promise.all(
      [...wanted.values()].map((one) =>
        this.#take(one).catch((error) => problems.push(`${one.name}: ${error.message}`)),
      ),
    );
    return { problems, status: this.status() };
  }

  /** End orderly: what was told to clients is on disk already. */
  async close() {
    await Promise.all(
      [...this.#running.values()].map(({ server, deployment }) => Promise.all([server.close(), deployment.sleep()])),
    );
  }

  /** Facts that the Management API shows. */
  status() {
    const rows = [...this.#running.values()].filter(({ deployment }) => !deployment.deleted);
    return Object.fromEntries(
      rows.map(({ deployment }) => [deployment.name, { lastDeployTime: deployment.push?.time ?? null }]),
    );
  }

  #restIdle() {
    for (const { deployment } of this.#running.values())
      deployment.restIfIdle().catch((error) => console.error(error.message));
  }

  async #take(configuration) {
    const known = this.#running.get(configuration.name);
    if (known && !known.deployment.deleted) {
      known.deployment.configure(configuration);
      return;
    }
    await known?.server.close();
    const folder = path.join(this.#folder, configuration.name);
    const deployment = new Deployment(folder, configuration);
    deployment.pushes = new Pushes(deployment);
    deployment.backups = new Backups(deployment);
    const server = new DeploymentServer(deployment, this.#log, this.#faults);
    await server.listen();
    this.#running.set(configuration.name, { deployment, server });
    void deployment.wake().catch((error) => console.error(`${configuration.name}: ${error.message}`));
  }
}

/** The private socket of the control plane: `POST /configure`, `GET /status`, `GET /paths`. */
export function controlServer(host, socketPath) {
  fs.rmSync(socketPath, { force: true });
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let result;
    try {
      const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : null;
      if (request.url === "/configure") result = await host.configure(body.deployments);
      else result = request.url === "/paths" ? { paths: coveredPaths() } : { status: host.status() };
    } catch (error) {
      console.error(error.stack);
      result = { problems: [error.message], status: {} };
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(result));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, () => {
      fs.chmodSync(socketPath, 0o600);
      resolve(server);
    });
  });
}
