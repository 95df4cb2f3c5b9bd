// The server's own queries (`_system/...`) that the CLI asks for over the sync protocol. Not part of what was pushed.

import { requireAction } from "./auth.mjs";
import { Refusal } from "./refusal.mjs";
import { encodedText, jsonToConvex } from "./values.mjs";

const QUERIES = {
  "_system/cli/queryEnvironmentVariables:default": ["deployment:env:view", environmentVariables],
  "_system/cli/queryEnvironmentVariables:get": ["deployment:env:view", environmentVariable],
  "_system/cli/tables:default": ["deployment:data:view", tables],
  "_system/cli/tableData:default": ["deployment:data:view", tableData],
  "_system/cli/modules:apiSpec": ["deployment:data:view", apiSpec],
  "_system/cli/convexUrl:cloudUrl": ["deployment:data:view", (deployment) => encodedText(deployment.cloudUrl)],
  "_system/cli/exports:getLatest": [
    "deployment:backups:view",
    (deployment) => encodedText(deployment.backups.latestExport()),
  ],
  "_system/cli/queryImport:default": [
    "deployment:backups:view",
    (deployment, { importId }) => encodedText(deployment.backups.importById(importId)),
  ],
  "_system/cli/queryImport:list": [
    "deployment:backups:view",
    (deployment) => encodedText(deployment.backups.imports()),
  ],
};

export const isSystemPath = (path) => path.startsWith("_system/");

/** Run one; the answer is Convex-encoded text. */
export async function systemQuery(deployment, caller, path, args) {
  const name = path.includes(":") ? path : `${path}:default`;
  if (!(name in QUERIES)) {
    throw new Refusal(404, "SandboxUnknownPath", `the sandbox does not know the system query ${name}`);
  }
  const [action, query] = QUERIES[name];
  requireAction(caller, action, deployment);
  return query(deployment, jsonToConvex((Array.isArray(args) ? args[0] : args) ?? {}));
}

function environmentVariables(deployment) {
  const names = Object.keys(deployment.environment).sort();
  return encodedText(names.map((name) => ({ name, value: deployment.environment[name] })));
}

function environmentVariable(deployment, { name }) {
  const value = deployment.environment[name];
  return encodedText(value === undefined ? null : { name, value });
}

async function tables(deployment) {
  const names = await (await deployment.thread()).call("tables");
  const declared = deployment.analysis.schema?.tables.map((table) => table.tableName) ?? [];
  const all = [...new Set([...declared, ...names])].sort();
  return encodedText({ page: all.map((name) => ({ name })), isDone: true, continueCursor: "end" });
}

async function tableData(deployment, { table, order, paginationOpts }) {
  const { numItems, cursor } = paginationOpts;
  return (await deployment.thread()).call("page", { table, order, numItems, cursor });
}

function apiSpec(deployment) {
  const any = { type: "any" };
  const parsed = (text) => (text === null ? any : JSON.parse(text));
  const found = [];
  for (const [file, module] of Object.entries(deployment.analysis.functions)) {
    for (const one of module.functions) {
      found.push({
        identifier: `${file}:${one.name}`,
        functionType: one.udfType,
        visibility: one.visibility,
        args: parsed(one.args),
        returns: parsed(one.returns),
      });
    }
    for (const { route } of module.httpRoutes ?? []) {
      found.push({ functionType: "HttpAction", method: route.method, path: route.path });
    }
  }
  return encodedText(found);
}
