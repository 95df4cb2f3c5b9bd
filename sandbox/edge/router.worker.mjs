// Runs in workerd, in front of all Workers: chooses by host and path as Cloudflare does, and among versions by weight.
// Miniflare's own routes are not used, because they bypass static assets; a service binding does not.

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const rule = env.RULES.find((candidate) => fits(candidate, url));
    if (!rule) {
      // An unknown name has no origin; a known one has no Worker at this path.
      const known = env.RULES.some((candidate) => hostFits(candidate, url.hostname));
      return known ? refusal(404, 1042) : refusal(530, 1016);
    }
    const version = choose(rule.worker, env.WORKERS[rule.worker], request);
    try {
      return await env[version.binding].fetch(request);
    } catch (error) {
      console.error(`uncaught in ${rule.worker} ${request.method} ${url.pathname}: ${error.stack}`);
      return refusal(500, 1101);
    }
  },
};

function fits(rule, url) {
  if (!hostFits(rule, url.hostname)) return false;
  const path = url.pathname + url.search;
  return rule.open ? path.startsWith(rule.path) : path === rule.path;
}

function hostFits(rule, hostname) {
  if (!rule.wildcard) return hostname === rule.host;
  return hostname.endsWith(rule.host) || hostname === rule.host.replace(/^\./, "");
}

function choose(worker, versions, request) {
  if (versions.length === 1) return versions[0];
  // Cloudflare-Workers-Version-Overrides: web="id", other="id"
  const overrides = request.headers.get("Cloudflare-Workers-Version-Overrides") ?? "";
  const wanted = overrides.split(",").map((part) => part.trim().split("=")).find(([name]) => name === worker)?.[1];
  const chosen = wanted && versions.find((version) => `"${version.id}"` === wanted);
  if (chosen) return chosen;
  let dice = Math.random() * versions.reduce((sum, version) => sum + version.weight, 0);
  return versions.find((version) => (dice -= version.weight) < 0) ?? versions[0];
}

function refusal(status, code) {
  return new Response(`error code: ${code}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=UTF-8", "cache-control": "no-store" },
  });
}
