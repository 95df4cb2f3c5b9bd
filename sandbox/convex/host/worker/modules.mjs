// The pushed modules of one deployment: loaded, and described as the real server's analysis does. Runs no function.

import path from "node:path";
import { pathToFileURL } from "node:url";

import { scheduleError } from "./schedule.mjs";

const KINDS = [
  ["isQuery", "Query"],
  ["isMutation", "Mutation"],
  ["isAction", "Action"],
];

/** What is wrong with pushed code, in the words of a push. `code` is the server's error code. */
export class PushError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Import every module of `paths` below `folder`: a map of path to namespace. */
export async function loadModules(folder, paths) {
  const loaded = new Map();
  for (const one of paths) {
    try {
      loaded.set(one, await import(pathToFileURL(path.join(folder, one)).href));
    } catch (error) {
      const reason = String(error?.message ?? error).replaceAll(`${folder}/`, "");
      throw new PushError(
        "InvalidModules",
        `Loading the pushed modules encountered the following error:\nFailed to analyze ${one}: Uncaught ${error?.name ?? "Error"}: ${reason}`,
      );
    }
  }
  return loaded;
}

/** Everything that can be said of loaded modules without running a function. */
export function analyze(loaded, { definitionPath, environment }) {
  const functions = {};
  for (const [file, module] of loaded) {
    if (file === "schema.js" || file === "auth.config.js" || file === definitionPath || file.startsWith("_deps/"))
      continue;
    functions[file] = {
      functions: functionsOf(file, module),
      httpRoutes: file === "http.js" ? routesOf(module) : null,
      cronSpecs: file === "crons.js" ? cronSpecs(module) : null,
      sourceMapped: null,
    };
  }
  const definition = definitionPath ? definitionOf(loaded.get(definitionPath)) : null;
  return {
    functions,
    schema: schemaOf(loaded.get("schema.js")),
    auth: authOf(loaded.get("auth.config.js"), environment),
    crons: loaded.has("crons.js") ? cronsOf(loaded.get("crons.js")) : {},
    definition,
  };
}

/** Functions by canonical path (`messages.js:list`): `{udfType, visibility, args, returns}`. */
export function functionTable(functions) {
  const table = new Map();
  for (const [file, module] of Object.entries(functions)) {
    for (const one of module.functions) {
      table.set(`${file}:${one.name}`, { ...one, args: parsed(one.args), returns: parsed(one.returns) });
    }
  }
  return table;
}

function functionsOf(file, module) {
  const found = [];
  for (const [name, value] of Object.entries(module)) {
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) continue;
    const kind = KINDS.find(([mark]) => value[mark]);
    if (!kind || value.isRouter) continue;
    const args = value.exportArgs?.() ?? null;
    if (args !== null && !["object", "any"].includes(JSON.parse(args).type)) {
      throw new PushError(
        "InvalidModules",
        `Invalid JSON returned from ${file}:${name}.exportArgs(): Args validator must be an object or any`,
      );
    }
    const visibility = { kind: value.isInternal ? "internal" : "public" };
    found.push({ name, pos: null, udfType: kind[1], visibility, args, returns: value.exportReturns?.() ?? null });
  }
  return found;
}

function routesOf(module) {
  const router = module.default;
  if (!router?.isRouter) {
    throw new PushError("InvalidModules", "The default export of `convex/http.js` is not a Router.");
  }
  return router.getRoutes().map(([where, method]) => ({ route: { path: where, method }, pos: null }));
}

function cronsOf(module) {
  if (!module.default?.isCrons) {
    throw new PushError("InvalidModules", "The default export of `convex/crons.js` is not a Crons object.");
  }
  return Object.fromEntries(
    Object.entries(module.default.crons).map(([name, job]) => {
      const reason = scheduleError(job.schedule);
      if (reason !== null) throw new PushError("InvalidModules", `Cron job "${name}": ${reason}`);
      return [name, { name: job.name, args: job.args[0] ?? {}, schedule: job.schedule }];
    }),
  );
}

const cronSpecs = (module) =>
  Object.entries(cronsOf(module)).map(([identifier, job]) => ({
    identifier,
    spec: { udfPath: job.name, udfArgs: [job.args], cronSchedule: job.schedule },
  }));

function schemaOf(module) {
  if (!module) return null;
  if (typeof module.default?.export !== "function") {
    throw new PushError(
      "InvalidSchema",
      "The default export of `convex/schema.js` is not a schema: use `defineSchema`.",
    );
  }
  const schema = JSON.parse(module.default.export());
  const names = schema.tables.map((table) => table.tableName);
  const wrong = names.find((name) => !/^[a-zA-Z][a-zA-Z0-9_]*$/.test(name));
  if (wrong !== undefined)
    throw new PushError("InvalidSchema", `Table names must be valid identifiers, got "${wrong}"`);
  return schema;
}

function authOf(module, environment) {
  if (!module) return [];
  const missing = environment.authVariables.find((name) => environment.values[name] === undefined);
  if (missing !== undefined) {
    throw new PushError(
      "AuthConfigMissingEnvironmentVariable",
      `Environment variable ${missing} is used in auth config file but its value was not set`,
    );
  }
  const providers = module.default?.providers;
  if (!Array.isArray(providers)) {
    throw new PushError("InvalidAuthConfig", "auth.config.js must have a default export with a list of `providers`.");
  }
  return providers.map((provider) => authProvider(provider));
}

function authProvider(provider) {
  const need = provider.type === "customJwt" ? ["issuer", "jwks", "algorithm"] : ["domain", "applicationID"];
  const missing = need.find((name) => typeof provider[name] !== "string");
  if (missing) throw new PushError("InvalidAuthConfig", `auth config: a provider has no \`${missing}\``);
  return provider.type === "customJwt"
    ? { ...provider, applicationID: provider.applicationID ?? null }
    : { ...provider };
}

function definitionOf(module) {
  const exported = module?.default?.export?.();
  if (!exported)
    throw new PushError("InvalidDefinition", "convex.config.js has no default export made with `defineApp()`.");
  return exported;
}

const parsed = (text) => (text === null || text === undefined ? null : JSON.parse(text));
