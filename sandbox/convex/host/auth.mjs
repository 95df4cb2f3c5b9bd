// Who asks: an operator with a deploy key, a user with a JWT of one of the pushed auth providers, or nobody.

import { createHash, createPublicKey, verify } from "node:crypto";

import { Refusal } from "./refusal.mjs";

export const NOBODY = Object.freeze({ kind: "nobody", identity: null });
const CLAIMS = {
  sub: "subject",
  iss: "issuer",
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  email: "email",
  email_verified: "emailVerified",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
  phone_number_verified: "phoneNumberVerified",
  address: "address",
  updated_at: "updatedAt",
};
const TECHNICAL_CLAIMS = new Set(["aud", "exp", "iat", "nbf", "jti"]);
const HASHES = { RS256: "sha256", ES256: "sha256" };
const JWKS_SECONDS = 300;
const keySets = new Map();

/** The caller of an HTTP request: `{kind: "admin" | "user" | "nobody", identity, actions}`. */
export async function callerOf(header, deployment) {
  if (!header) return NOBODY;
  const [, scheme, credential] = /^(\S+)\s+(.*)$/.exec(header) ?? [];
  if (scheme?.toLowerCase() === "convex") return adminCaller(credential, deployment);
  if (scheme?.toLowerCase() === "bearer") return userCaller(credential, deployment);
  throw new Refusal(400, "InvalidAdminKey", "Invalid admin key");
}

/** An operator by deploy key, with or without `type:` before the name, acting as a user when `:<base64 JSON>` follows. */
export function adminCaller(credential, deployment, actingAs = null) {
  const [, name, rest = ""] = /^(?:(?:prod|dev|preview):)?([^|:]+)\|(.*)$/s.exec(credential ?? "") ?? [];
  const [secret, encodedIdentity] = rest.split(":");
  const digest = createHash("sha256").update(secret).digest("hex");
  const key = name === deployment.name ? deployment.keys.find((one) => one.sha256 === digest) : undefined;
  if (!key || (key.expiresAt && key.expiresAt < Date.now())) {
    const advice = "Double check that the environment this key was generated for matches the desired deployment.";
    const message = `The provided deploy key was invalid for deployment '${deployment.name}'. ${advice}`;
    throw new Refusal(401, "BadDeployKey", message);
  }
  return { kind: "admin", actions: key.actions, token: key.id, identity: actingAs ?? decodedIdentity(encodedIdentity) };
}

/** Refuse who may not do this. `action` is one of Convex's names, like `deployment:deploy`. */
export function requireAction(caller, action, deployment) {
  if (caller.kind !== "admin") {
    throw new Refusal(401, "BadDeployKey", `A deploy key for deployment '${deployment.name}' is required.`);
  }
  if (caller.actions && !caller.actions.includes(action)) {
    throw new Refusal(403, "Forbidden", `You do not have permission to perform this operation (${action}).`);
  }
}

/** A user by JWT, checked against the pushed auth configuration. */
export async function userCaller(token, deployment) {
  const [header, claims] = decodedToken(token);
  const audiences = [claims.aud].flat();
  const provider = deployment.authProviders.find((one) =>
    one.type === "customJwt"
      ? sameIssuer(one.issuer, claims.iss) && (one.applicationID === null || audiences.includes(one.applicationID))
      : sameIssuer(one.domain, claims.iss) && audiences.includes(one.applicationID),
  );
  if (!provider) {
    throw new Refusal(
      401,
      "NoAuthProvider",
      "No auth provider found matching the given token. Check that your auth.config.ts names its issuer and audience.",
    );
  }
  if (typeof claims.exp !== "number" || claims.exp * 1000 < Date.now()) {
    throw new Refusal(401, "InvalidAuthHeader", "Could not verify OIDC token claim: Token expired");
  }
  await checkSignature(token, header, provider);
  const identity = { tokenIdentifier: `${claims.iss}|${claims.sub}` };
  for (const [claim, value] of Object.entries(claims)) {
    if (!TECHNICAL_CLAIMS.has(claim)) identity[CLAIMS[claim] ?? claim] = value;
  }
  return { kind: "user", identity };
}

async function checkSignature(token, { alg, kid }, provider) {
  const [head, body, signature] = token.split(".");
  const keys = await keySet(provider).catch(() => {
    throw new Refusal(
      401,
      "AuthProviderDiscoveryFailed",
      "Auth provider discovery failed: its keys could not be fetched.",
    );
  });
  const valid = keys
    .filter((key) => HASHES[alg] && (kid === undefined || key.kid === undefined || key.kid === kid))
    .some((key) => {
      const publicKey = { key: createPublicKey({ key, format: "jwk" }), dsaEncoding: "ieee-p1363" };
      return verify(HASHES[alg], Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, "base64url"));
    });
  if (!valid)
    throw new Refusal(401, "InvalidAuthHeader", "Could not verify OIDC token claim: the signature does not match");
}

async function keySet(provider) {
  const name = provider.jwks ?? provider.domain;
  const known = keySets.get(name);
  if (known && known.until > Date.now()) return known.keys;
  let address = provider.jwks;
  if (!address) {
    const base = /^https?:/.test(provider.domain) ? provider.domain : `https://${provider.domain}`;
    address = (await fetchJson(`${base.replace(/\/$/, "")}/.well-known/openid-configuration`)).jwks_uri;
  }
  const { keys } = await fetchJson(address);
  keySets.set(name, { keys, until: Date.now() + JWKS_SECONDS * 1000 });
  return keys;
}

const fetchJson = async (address) => (await fetch(address, { signal: AbortSignal.timeout(5000) })).json();

function decodedToken(token) {
  try {
    const [header, claims] = String(token)
      .split(".")
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8") || "null"));
    if (header && claims) return [header, claims];
  } catch {
    // said below
  }
  throw new Refusal(401, "InvalidAuthHeader", "Could not parse as JWT: the token is not a JSON Web Token");
}

function decodedIdentity(encoded) {
  if (!encoded) return null;
  try {
    return JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  } catch {
    throw new Refusal(400, "HeaderParseFailure", "Malformed Authorization header.");
  }
}

function sameIssuer(configured, claimed) {
  const plain = (text) =>
    String(text ?? "")
      .replace(/^https:\/\//, "")
      .replace(/\/$/, "");
  return plain(configured) === plain(claimed);
}
