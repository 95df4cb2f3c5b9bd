// Names by which a site is reached on loopback, and what has to be said differently to a client that used one.

const SUFFIX = /^(.+)\.localhost(?::\d+)?$/i;

/** `dev.example.app.localhost:8787` -> `{ host: "dev.example.app", local: "dev.example.app.localhost:8787" }`; local is null for a plain host. */
export function parseHost(header) {
  const found = SUFFIX.exec(header ?? "");
  if (found) return { host: found[1].toLowerCase(), local: header };
  return { host: (header ?? "").toLowerCase().replace(/:\d+$/, ""), local: null };
}

/** The headers that the Worker sees: its own public name, over https, as it would at Cloudflare. */
export function inward(headers, { host, local }) {
  const seen = { ...headers, host };
  if (!local) return seen;
  for (const name of ["origin", "referer"]) {
    if (seen[name]) seen[name] = seen[name].replaceAll(`http://${local}`, `https://${host}`);
  }
  return seen;
}

/** The headers that the client gets: addresses of the site lead back to loopback. */
export function outward(headers, { host, local }) {
  if (!local) return headers;
  const said = { ...headers };
  for (const name of ["location", "access-control-allow-origin", "refresh", "link"]) {
    if (typeof said[name] === "string") said[name] = said[name].replaceAll(new RegExp(`https?://${escape(host)}(?=[/:?#>\\s]|$)`, "g"), `http://${local}`);
  }
  if (said["set-cookie"]) said["set-cookie"] = said["set-cookie"].map((cookie) => cookie.replace(/;\s*domain=[^;]*/i, ""));
  delete said["strict-transport-security"]; // would make the browser insist on https at loopback
  return said;
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
