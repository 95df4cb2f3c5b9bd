// Environment variables of a deployment: the real server's rules for names, sizes and numbers. Pure.

import { badRequest } from "./refusal.mjs";

const LONGEST_NAME = 256;
const LARGEST_VALUE = 8 * 1024;
const MOST = 512;
const BUILT_IN = new Set(["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"]);

/** Apply `[{name, value | null}]`: `{next, events: [[audit action, name]]}`; all or nothing. */
export function changedVariables(current, changes) {
  if (!Array.isArray(changes)) throw badRequest("BadJsonBody", "`changes` must be a list");
  const next = { ...current };
  const events = [];
  for (const { name, value = null } of changes) {
    checkName(name);
    if (value === null) {
      if (name in next) events.push(["delete_environment_variable", name]);
      delete next[name];
      continue;
    }
    checkValue(value);
    if (next[name] !== value)
      events.push([name in next ? "update_environment_variable" : "create_environment_variable", name]);
    next[name] = value;
  }
  if (Object.keys(next).length > MOST) {
    throw badRequest("EnvVarLimitMet", `The environment variable limit (${MOST}) has been met.`);
  }
  return { next, events };
}

function checkName(name) {
  if (typeof name !== "string" || !/^[a-zA-Z_]+[a-zA-Z0-9_]*$/.test(name)) {
    const rule =
      "Environment variable names must begin with a letter and may only include characters a-z, A-Z, 0-9, and underscores.";
    throw badRequest("EnvironmentVariableNameInvalid", `The environment variable name ${name} is invalid. ${rule}`);
  }
  if (name.length > LONGEST_NAME) {
    const rule = `Environment variable names must be less than ${LONGEST_NAME}.`;
    throw badRequest("EnvironmentVariableNameTooLong", `The environment variable name ${name} is too long. ${rule}`);
  }
  if (BUILT_IN.has(name)) {
    throw badRequest(
      "EnvVarNameForbidden",
      `Environment variable with name "${name}" is built-in and cannot be overridden`,
    );
  }
}

function checkValue(value) {
  if (typeof value !== "string") throw badRequest("BadJsonBody", "an environment variable's value must be a text");
  const size = Buffer.byteLength(value);
  if (size > LARGEST_VALUE) {
    const rule = `(max size: ${LARGEST_VALUE})`;
    throw badRequest(
      "EnvironmentVariableValueTooLarge",
      `The environment variable value is ${size} bytes, which is too large. ${rule}`,
    );
  }
}
