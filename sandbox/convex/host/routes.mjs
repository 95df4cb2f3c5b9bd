// The HTTP paths of a deployment: which there are, who may call them, what they answer. Bodies in and out are JSON unless said.
// A route is `[method, pattern, handler, {action, mutating}]`; `:name` in a pattern is one segment, `*name` the rest.

import fs from "node:fs";

import { callerOf, requireAction } from "./auth.mjs";
import { callFunction, canonicalPath, reported } from "./calls.mjs";
import { badRequest, Refusal } from "./refusal.mjs";
import { isSystemPath, systemQuery } from "./system.mjs";
import { formatted, jsonToConvex, timestampOf, timestampText } from "./values.mjs";

const VERSION = "1.48.0-sandbox";

/** JSON text of an answer that contains values which are text already. */
const answer = (text) => ({ status: 200, headers: { "content-type": "application/json" }, body: text });
const plain = (text) => ({ status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: text });
const empty = () => ({ status: 200, headers: {}, body: "" });
const json = (value) => answer(JSON.stringify(value));

export const ROUTES = [
  ["GET", "/", () => plain("This Convex deployment is running. See https://docs.convex.dev/."), {}],
  ["GET", "/version", () => plain(VERSION), {}],
  ["GET", "/instance_version", () => plain(VERSION), {}],
  ["GET", "/instance_name", ({ deployment }) => plain(deployment.name), {}],
  ["POST", "/echo", ({ body }) => ({ status: 200, headers: {}, body }), { mutating: false }],

  ["POST", "/api/query", (request) => runPosted(request, "Query"), { mutating: false }],
  ["GET", "/api/query", queryByAddress, {}],
  ["POST", "/api/query_ts", queryTime, { mutating: false }],
  ["POST", "/api/query_at_ts", queryAtTime, { mutating: false }],
  ["POST", "/api/query_batch", queryBatch, { mutating: false }],
  ["POST", "/api/mutation", (request) => runPosted(request, "Mutation"), { mutating: true }],
  ["POST", "/api/action", (request) => runPosted(request, "Action"), { mutating: true }],
  ["POST", "/api/function", (request) => runPosted(request, null), { mutating: changesByKind }],
  ["POST", "/api/run/*function", runByAddress, { mutating: true }],
  ["POST", "/api/run_test_function", runInline, { mutating: false }],

  [
    "POST",
    "/api/get_config_hashes",
    ({ deployment }) => json(deployment.pushes.configHashes()),
    { action: "deployment:deploy", mutating: false },
  ],
  [
    "POST",
    "/api/deploy2/evaluate_schema",
    async ({ deployment, input }) => json(await deployment.pushes.evaluateSchema(input())),
    { action: "deployment:deploy", mutating: false },
  ],
  [
    "POST",
    "/api/deploy2/evaluate_push",
    async ({ deployment, input }) =>
      json({ schemaChange: (await deployment.pushes.start({ ...input(), dryRun: true })).schemaChange }),
    { action: "deployment:deploy", mutating: false },
  ],
  [
    "POST",
    "/api/deploy2/start_push",
    async ({ deployment, input }) => json(await deployment.pushes.start(input())),
    { action: "deployment:deploy", mutating: unlessDryRun },
  ],
  [
    "POST",
    "/api/deploy2/wait_for_schema",
    async ({ deployment, input }) => json(await deployment.pushes.waitForSchema(input())),
    { action: "deployment:deploy", mutating: false },
  ],
  [
    "POST",
    "/api/deploy2/finish_push",
    async ({ deployment, input, actor }) => json(await deployment.pushes.finish(input(), actor)),
    { action: "deployment:deploy", mutating: unlessDryRun },
  ],
  ["POST", "/api/deploy2/report_push_completed", () => json(null), { action: "deployment:deploy", mutating: false }],

  ["GET", "/api/v1/list_environment_variables", listEnvironment, { action: "deployment:env:view" }],
  ["GET", "/api/list_environment_variables", listEnvironment, { action: "deployment:env:view" }],
  [
    "POST",
    "/api/v1/update_environment_variables",
    updateEnvironment,
    { action: "deployment:env:write", mutating: true },
  ],
  ["POST", "/api/update_environment_variables", updateEnvironment, { action: "deployment:env:write", mutating: true }],
  [
    "GET",
    "/api/v1/get_canonical_urls",
    ({ deployment }) => json({ convexCloudUrl: deployment.cloudUrl, convexSiteUrl: deployment.siteUrl }),
    { action: "deployment:data:view" },
  ],
  ["GET", "/api/v1/deployment_info", deploymentInfo, { action: "deployment:data:view" }],
  [
    "GET",
    "/api/v1/list_audit_log_events",
    ({ deployment, query }) => json(deployment.audit.page(query)),
    { action: "deployment:auditLog:view" },
  ],
  ["GET", "/api/stream_function_logs", functionLogs, { action: "deployment:logs:view" }],
  ["GET", "/api/app_metrics/stream_function_logs", functionLogs, { action: "deployment:logs:view" }],

  ["POST", "/api/export/request/zip", requestExport, { action: "deployment:backups:create", mutating: true }],
  ["GET", "/api/export/zip/:id", downloadExport, { action: "deployment:backups:download" }],
  [
    "POST",
    "/api/import/start_upload",
    ({ deployment }) => json({ uploadToken: deployment.backups.startUpload() }),
    { action: "deployment:backups:import", mutating: false },
  ],
  ["POST", "/api/import/upload_part", uploadPart, { action: "deployment:backups:import", mutating: false }],
  ["POST", "/api/import/finish_upload", finishUpload, { action: "deployment:backups:import", mutating: true }],
  ["POST", "/api/perform_import", performImport, { action: "deployment:backups:import", mutating: true }],

  ["POST", "/api/storage/upload", uploadFile, { mutating: true }],
  ["GET", "/api/storage/:id", downloadFile, {}],
].map(([method, pattern, handler, options]) => ({
  method,
  pattern,
  expression: expressionOf(pattern),
  handler,
  ...options,
}));

/** One line per path. */
export function coveredPaths() {
  const others = [
    "GET /api/:version/sync (WebSocket)",
    "ANY /*path of the site origin, /http/*path of the cloud origin (HTTP actions)",
  ];
  return [...ROUTES.map(({ method, pattern }) => `${method} ${pattern}`), ...others];
}

/** The route of a request with the parameters of its path, or null. */
export function findRoute(method, path) {
  for (const route of ROUTES) {
    const found = route.method === method ? route.expression.exec(path) : null;
    if (found) return { route, parameters: { ...found.groups } };
  }
  return null;
}

function expressionOf(pattern) {
  const source = pattern.replace(/\*(\w+)/, "(?<$1>.+)").replace(/:(\w+)/g, "(?<$1>[^/]+)");
  return new RegExp(`^${source}$`);
}

async function runPosted({ deployment, header, input }, kind) {
  const { path, args, format, componentPath } = input();
  if (typeof path !== "string")
    throw badRequest("BadJsonBody", "`path` must be the path of a function, like messages:list");
  if (componentPath) throw badRequest("SandboxNoComponents", "The sandbox runs applications without components.");
  const caller = await callerOf(header("authorization"), deployment);
  if (isSystemPath(path)) {
    return answer(`{"status":"success","value":${await systemQuery(deployment, caller, path, args)}}`);
  }
  return outcomeAnswer(await callFunction(deployment, caller, { path, kind, args: args ?? {} }), format);
}

async function queryByAddress({ deployment, header, query }) {
  const caller = await callerOf(header("authorization"), deployment);
  const args = parsed(query.args ?? "{}");
  return outcomeAnswer(
    await callFunction(deployment, caller, { path: query.path ?? "", kind: "Query", args }),
    query.format,
  );
}

async function queryTime({ deployment }) {
  await deployment.thread();
  return json({ ts: timestampText(deployment.subscriptions.timestamp) });
}

async function queryAtTime(request) {
  const timestamp = timestampOf(request.input().ts);
  if (timestamp === null) throw badRequest("BadJsonBody", "`ts` must be a timestamp of /api/query_ts");
  return runPosted(request, "Query"); // there is one state of the documents here, and it is not older
}

async function queryBatch({ deployment, header, input }) {
  const caller = await callerOf(header("authorization"), deployment);
  const results = [];
  for (const { path, args, format } of input().queries ?? []) {
    const outcome = await callFunction(deployment, caller, { path, kind: "Query", args: args ?? {} });
    results.push(outcomeAnswer(outcome, format).body);
  }
  return answer(`{"results":[${results.join(",")}]}`);
}

async function runByAddress({ deployment, header, input, parameters }) {
  const caller = await callerOf(header("authorization"), deployment);
  const parts = parameters.function.split("/").map(decodeURIComponent);
  if (parts.length < 2) {
    throw badRequest("MissingIdentifier", "Path or function name not provided in path, e.g. /api/run/messages/list");
  }
  const { args, format = "json" } = input();
  const path = `${parts.slice(0, -1).join("/")}:${parts.at(-1)}`;
  return outcomeAnswer(await callFunction(deployment, caller, { path, args: args ?? {} }), format);
}

async function runInline({ deployment, header, input }) {
  const { bundle, adminKey, format } = input();
  const caller = await callerOf(header("authorization") ?? `Convex ${adminKey}`, deployment);
  requireAction(caller, "deployment:functions:runTestQuery", deployment);
  const outcome = await deployment.inline(bundle.source);
  return outcomeAnswer(
    reported(deployment, caller, "_testQuery:default", { ...outcome, timestamp: 0n, kind: "Query" }),
    format,
  );
}

function outcomeAnswer(outcome, format) {
  const lines = outcome.lines.length > 0 ? `,"logLines":${JSON.stringify(outcome.lines)}` : "";
  if (outcome.ok) {
    const value = formatted(outcome.value, format);
    if (value === null) throw badRequest("BadFormat", `format param must be one of [\`json\`]. Got ${format}`);
    return answer(`{"status":"success","value":${value}${lines}}`);
  }
  const data = outcome.data === undefined ? "" : `,"errorData":${formatted(JSON.stringify(outcome.data), format)}`;
  // A function that fails is no failure of HTTP.
  return answer(`{"status":"error","errorMessage":${JSON.stringify(outcome.message)}${data}${lines}}`);
}

function listEnvironment({ deployment }) {
  return json({ environmentVariables: deployment.environment });
}

async function updateEnvironment({ deployment, input, actor }) {
  await deployment.updateEnvironment(input().changes, actor);
  return empty();
}

function deploymentInfo({ deployment }) {
  const { teamId, projectId, projectName, projectSlug, id, type, reference } = deployment;
  return json({ kind: "cloud", teamId, projectId, projectName, projectSlug, id, deploymentType: type, reference });
}

async function functionLogs({ deployment, query, signal }) {
  return json(await deployment.log.after(Number(query.cursor ?? 0), signal));
}

function requestExport({ deployment, query }) {
  deployment.backups.requestExport(query.includeStorage === "true");
  return empty();
}

function downloadExport({ deployment, parameters }) {
  const name = `snapshot_${deployment.name}_${parameters.id}.zip`;
  const headers = { "content-type": "application/zip", "content-disposition": `attachment; filename="${name}"` };
  return { status: 200, headers, body: fs.readFileSync(deployment.backups.exportFile(parameters.id)) };
}

function uploadPart({ deployment, query, body }) {
  deployment.backups.addPart(query.uploadToken, query.partNumber, body);
  return json(query.partNumber);
}

async function finishUpload({ deployment, input }) {
  const { import: wish, uploadToken } = input();
  return json({ importId: await deployment.backups.finishUpload(uploadToken, wish) });
}

function performImport({ deployment, input }) {
  deployment.backups.performImport(input().importId);
  return empty();
}

async function uploadFile({ deployment, query, body, header }) {
  const thread = await deployment.thread();
  if (!(await thread.call("acceptsUpload", { token: query.token ?? "" }))) {
    throw new Refusal(401, "StorageTokenInvalid", "The upload address is not valid or has expired.");
  }
  return json({
    storageId: await thread.call("storeFile", { bytes: body, contentType: header("content-type") ?? null }),
  });
}

async function downloadFile({ deployment, parameters }) {
  const found = await (await deployment.thread()).call("findFile", { storageId: parameters.id });
  if (!found) throw new Refusal(404, "FileNotFound", `File ${parameters.id} not found`);
  const headers = {
    "content-type": found.contentType ?? "application/octet-stream",
    "cache-control": "private, max-age=2592000",
  };
  return { status: 200, headers, body: fs.readFileSync(found.path) };
}

function unlessDryRun({ input }) {
  return input().dryRun !== true;
}

function changesByKind({ deployment, input }) {
  const { path } = input();
  return !isSystemPath(String(path)) && deployment.kindOf(canonicalPath(path)) !== "Query";
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    jsonToConvex(value);
    return value;
  } catch {
    throw badRequest("BadQueryArgs", "`args` must be JSON");
  }
}
