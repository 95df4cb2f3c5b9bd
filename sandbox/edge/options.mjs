// Turns the published sites into Miniflare options. Knows both vocabularies and nothing of processes or HTTP.

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

// What answers when no Worker does, as Cloudflare does: an unknown name has no origin (530), a known one has no route there (404).
const NO_ROUTE = `
export default {
  fetch(request, env) {
    const known = env.HOSTS.includes(new URL(request.url).hostname);
    const [status, text] = known ? [404, "error code: 1042 (no Worker route matches here)"] : [530, "error code: 1016 (no such host)"];
    return new Response(text + "\\n", { status, headers: { "content-type": "text/plain; charset=UTF-8", "cache-control": "no-store" } });
  },
};`;

// Gradual deployments: one Worker in front chooses the version for each request; a header may choose, as at Cloudflare.
const SPLIT = `
export default {
  fetch(request, env) {
    const wanted = new RegExp("(?:^|,)\\\\s*" + env.WORKER + '="([^"]+)"').exec(request.headers.get("Cloudflare-Workers-Version-Overrides") ?? "");
    let chosen = env.VERSIONS.find((version) => wanted && version.id === wanted[1]);
    if (!chosen) {
      let dice = Math.random() * env.VERSIONS.reduce((sum, version) => sum + version.weight, 0);
      chosen = env.VERSIONS.find((version) => (dice -= version.weight) < 0) ?? env.VERSIONS[0];
    }
    return env[chosen.binding].fetch(request);
  },
};`;

/**
 * @param sites what the Cloudflare stand-in published
 * @param world `{ buckets, credentials, root, read(file), assets(site) }`
 * @returns Miniflare's options in the form of version 4, without the shared ones
 */
export function workers(sites, world) {
  const groups = new Map();
  for (const site of sites) groups.set(site.worker, [...(groups.get(site.worker) ?? []), site]);
  const names = new Set(groups.keys());
  const hosts = [...new Set(sites.flatMap((site) => [...(site.hosts ?? []), ...(site.routes ?? []).map(hostOf)]))];
  const all = [infrastructure(hosts, world)];
  for (const [name, versions] of groups) all.push(...group(name, versions, names, world));
  return all;
}

/** Buckets that some Worker binds. */
export function boundBuckets(sites) {
  const bindings = sites.flatMap((site) => site.bindings ?? []);
  return [...new Set(bindings.filter((one) => one.type === "r2_bucket").map((one) => one.bucket_name))].sort();
}

function infrastructure(hosts, world) {
  return {
    name: INFRASTRUCTURE,
    compatibilityDate: "2026-01-01",
    modules: [{ type: "ESModule", path: "no-route.mjs", contents: NO_ROUTE }],
    bindings: { HOSTS: hosts },
    r2Buckets: Object.fromEntries(world.buckets.map((name, index) => [`BUCKET_${index}`, bucket(name, world)])),
  };
}

function group(name, versions, names, world) {
  const routes = [...new Set(versions.flatMap(routesOf))];
  if (versions.length === 1) return [{ ...worker(name, versions[0], names, world), routes }];
  const parts = versions.map((site, index) => worker(`${name}--version-${index + 1}`, site, names, world));
  const bindings = {
    WORKER: name,
    VERSIONS: versions.map((site, index) => ({ binding: `V${index}`, id: site.version, weight: site.weight ?? 1 })),
  };
  const serviceBindings = Object.fromEntries(parts.map((part, index) => [`V${index}`, part.name]));
  const modules = [{ type: "ESModule", path: "split.mjs", contents: SPLIT }];
  return [{ name, compatibilityDate: "2026-01-01", modules, bindings, serviceBindings, routes }, ...parts];
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

function routesOf(site) {
  return [...(site.hosts ?? []).map((host) => `${host}/*`), ...(site.routes ?? [])];
}

function hostOf(pattern) {
  return pattern.replace(/^[a-z]+:\/\//, "").split("/")[0];
}
