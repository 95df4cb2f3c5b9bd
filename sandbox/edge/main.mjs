// The edge process: one Miniflare behind one steady port. Started by sandbox/edge/service.py.

import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { Faults } from "../node/faults.mjs";
import { announce, onParentEnd } from "../node/parent.mjs";
import { RequestLog } from "../node/requestlog.mjs";
import { admin } from "./admin.mjs";
import { Proxy } from "./proxy.mjs";
import { Runtime } from "./runtime.mjs";

const { values } = parseArgs({
  options: {
    home: { type: "string" },
    port: { type: "string" },
    control: { type: "string" },
    tools: { type: "string" },
    python: { type: "string" },
    launcher: { type: "string" },
  },
});

const runtime = new Runtime({
  home: values.home,
  tools: values.tools,
  // By environment, not argv: they are R2's S3 keys.
  credentials: { accessKeyId: process.env.R2_ACCESS_KEY_ID, secretAccessKey: process.env.R2_SECRET_ACCESS_KEY },
  launcher: process.platform === "linux" ? { python: values.python, program: values.launcher } : null,
});
const requests = path.join(values.home, "requests");
fs.mkdirSync(requests, { recursive: true, mode: 0o700 });

const proxy = new Proxy({
  runtime,
  log: new RequestLog(path.join(requests, "edge.ndjson"), "edge"),
  faults: new Faults(path.join(values.home, "faults.json"), values.control, "edge"),
  admin: admin(runtime),
});

onParentEnd(() => runtime.end());
await proxy.listen(Number(values.port));
// Requests wait for the runtime, so being ready means that the port answers; loading Miniflare takes half a second more.
announce({ port: Number(values.port) });
runtime.reload().catch((error) => process.stderr.write(`error ${error.stack}\n`));
