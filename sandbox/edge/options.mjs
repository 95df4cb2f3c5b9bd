// Turns the published sites into Miniflare options. Knows both vocabularies and nothing of processes or HTTP.

import fs from "node:fs";
import path from "node:path";

export const INFRASTRUCTURE = "sandbox-edge";

const MODULE_TYPES = {
  "application/javascript+module": "ESModule",
  "application/javascript": "CommonJS",
  "application/wasm": "CompiledWasm",
  "application/octet-stream": "Data",
  "text/plain": "Text",
  "text/html": "Text",
  "text/x-python": "PythonModule",
};

const ROUTER = fs.readFileSync(new URL("./router.worker.mjs", import.meta.url), "utf8");

/**
 * @param sites what the Cloudflare stand-in published
 * @param world `{ buckets, credentials, root, read(file), assets(site) }`
 * @returns Miniflare's options in the form of version 4, without the shared ones
 */
export function workers(sites, world) {
  const versions = new Map();
  for (const site of sites) versions.set(site.worker, [...(versions.get(site.worker) ?? []), site]);
  const names = new Set(versions.keys());
  const all = [];
  const table = {};
  for (const [name, group] of versions) {
    table[name] = group.map((site, index) => {
      // Other Workers bind a Worker by its name: that is its first version.
      const options = worker(index === 0 ? name : `${name}--version-${index + 1}`, site, names, world);
      all.push(options);
      return { binding: `WORKER_${all.length}`, id: site.version ?? "", weight: site.weight ?? 1 };
    });
  }
  return [router(table, sites, all, world), ...all];
}

/** Hosts and paths in the order in which Cloudflare looks: routes before custom domains, the most specific first. */
export function rules(sites) {
  const routes = sites.flatMap((site) => (site.routes ?? []).map((pattern) => ({ ...parsePattern(pattern), worker: site.worker })));
  const domains = sites.flatMap((site) => (site.hosts ?? []).map((host) => ({ ...parsePattern(`${host}/*`), worker: site.worker })));
  const specific = (a, b) => a.wildcard - b.wildcard || b.host.length - a.host.length || b.path.length - a.path.length || a.open - b.open;
  return [...routes.sort(specific), ...domains.sort(specific)];
}

/** Buckets that some Worker binds. */
export function boundBuckets(sites) {
  const bindings = sites.flatMap((site) => site.bindings ?? []);
  return [...new Set(bindings.filter((one) => one.type === "r2_bucket").map((one) => one.bucket_name))].sort();
}

function router(table, sites, all, world) {
  return {
    name: INFRASTRUCTURE,
    compatibilityDate: "2026-01-01",
    modules: [{ type: "ESModule", path: "router.worker.mjs", contents: ROUTER }],
    bindings: { RULES: rules(sites), WORKERS: table },
    serviceBindings: Object.fromEntries(all.map((options, index) => [`WORKER_${index + 1}`, options.name])),
    r2Buckets: Object.fromEntries(world.buckets.map((name, index) => [`BUCKET_${index}`, bucket(name, world)])),
  };
}

/** `*.example.test/v1/*` in parts; `open` when anything may follow the path. */
function parsePattern(pattern) {
  const [, host, rest] = /^(?:[a-z]+:\/\/)?([^/]*)(\/.*)?$/.exec(pattern);
  const wildcard = host.startsWith("*");
  const open = rest === undefined ? false : rest.endsWith("*");
  return { wildcard, host: host.replace(/^\*/, "").toLowerCase(), open, path: open ? rest.slice(0, -1) : (rest ?? "/") };
}

function worker(name, site, names, world) {
  const options = {
    name,
    rootPath: "/",
    modulesRoot: "/",
    compatibilityDate: site.compatibility_date,
    compatibilityFlags: site.compatibility_flags ?? [],
    modules: modulesOf(site, world),
    bindings: {},
    kvNamespaces: {},
    r2Buckets: {},
    d1Databases: {},
    serviceBindings: {},
    queueProducers: {},
    ratelimits: {},
    durableObjects: {},
  };
  for (const binding of site.bindings ?? []) BINDINGS[binding.type]?.(options, binding, { site, names, world });
  const assets = world.assets(site);
  if (assets) {
    const config = site.assets_config ?? {};
    const own = (site.modules ?? []).length > 0;
    options.assets = {
      directory: assets,
      binding: (site.bindings ?? []).find((one) => one.type === "assets")?.name,
      run_worker_first: config.run_worker_first,
      routerConfig: { has_user_worker: own },
      assetConfig: { html_handling: config.html_handling, not_found_handling: config.not_found_handling },
    };
  }
  return options;
}

const BINDINGS = {
  plain_text: (options, { name, text }) => (options.bindings[name] = text ?? ""),
  secret_text: (options, { name, text }) => (options.bindings[name] = text ?? ""),
  json: (options, { name, json }) => (options.bindings[name] = json),
  kv_namespace: (options, { name, namespace_id }) => (options.kvNamespaces[name] = namespace_id),
  r2_bucket: (options, { name, bucket_name }, { world }) => (options.r2Buckets[name] = bucket(bucket_name, world)),
  d1: (options, { name, id, database_id }) => (options.d1Databases[name] = id ?? database_id),
  queue: (options, { name, queue_name }) => (options.queueProducers[name] = { queueName: queue_name }),
  ratelimit: (options, { name, namespace_id, simple }) => (options.ratelimits[name] = { namespace_id, simple }),
  durable_object_namespace: (options, { name, class_name, script_name }) =>
    (options.durableObjects[name] = { className: class_name, scriptName: script_name, useSQLite: true }),
  // A Worker that is not there (yet) must not keep the others from starting.
  service: (options, { name, service }, { names }) =>
    (options.serviceBindings[name] = names.has(service) ? service : INFRASTRUCTURE),
  version_metadata: (options, { name }, { site }) =>
    (options.bindings[name] = { id: site.version ?? "", tag: site.tag ?? "", timestamp: site.created_on ?? "" }),
};

function bucket(name, world) {
  return { id: name, s3Credentials: world.credentials };
}

function modulesOf(site, world) {
  const modules = site.modules ?? [];
  if (modules.length === 0) {
    return [{ type: "ESModule", path: "assets-only.mjs", contents: 'export default { fetch: () => new Response("Not Found", { status: 404 }) };' }];
  }
  const ordered = [...modules].sort((a, b) => Number(b.name === site.main_module) - Number(a.name === site.main_module));
  return ordered
    .filter((module) => module.type !== "application/source-map")
    .map((module) => {
      const type = MODULE_TYPES[module.type] ?? module.type;
      const bytes = world.read(module.path);
      const binary = type === "CompiledWasm" || type === "Data";
      return { type, path: path.posix.join("/", module.name), contents: binary ? new Uint8Array(bytes) : bytes.toString("utf8") };
    });
}
