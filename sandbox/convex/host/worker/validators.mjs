// Checks values against the validators of a schema or of a function's arguments, with the real server's wording.
// convex-test checks too, but says it in its own words, which nobody could search for.

import { convexToJson, jsonToConvex, compareValues } from "convex/values";

/** The table of a document id as convex-test makes ids; null when the text is no id. */
export function tableOf(id) {
  const found = /^\d+(.+)$/.exec(id);
  return found ? found[1] : null;
}

/** The reason why `value` does not fit, or null. `validator` is the JSON that `export()` gives. */
export function mismatch(validator, value, path = []) {
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return value === null ? null : noMatch(validator, value, path);
    case "number":
      return typeof value === "number" ? null : noMatch(validator, value, path);
    case "bigint":
    case "commitTs":
      return typeof value === "bigint" ? null : noMatch(validator, value, path);
    case "boolean":
      return typeof value === "boolean" ? null : noMatch(validator, value, path);
    case "string":
      return typeof value === "string" ? null : noMatch(validator, value, path);
    case "bytes":
      return value instanceof ArrayBuffer ? null : noMatch(validator, value, path);
    case "id":
      return idMismatch(validator, value, path);
    case "literal":
      return literalMismatch(validator, value, path);
    case "array":
      if (!Array.isArray(value)) return noMatch(validator, value, path);
      return first(value.entries(), ([index, item]) => mismatch(validator.value, item, [...path, `[${index}]`]));
    case "record":
      if (!isObject(value)) return noMatch(validator, value, path);
      return first(
        Object.entries(value),
        ([key, item]) =>
          mismatch(validator.keys, key, [...path, ".keys()"]) ??
          mismatch(validator.values.fieldType ?? validator.values, item, [...path, ".values()"]),
      );
    case "object":
      return isObject(value) ? objectMismatch(validator, value, path) : noMatch(validator, value, path);
    case "union":
      if (validator.value.length === 1) return mismatch(validator.value[0], value, path);
      return validator.value.some((member) => mismatch(member, value) === null)
        ? null
        : noMatch(validator, value, path);
    default:
      return `the sandbox does not know the validator type ${validator.type}`;
  }
}

/** A validator as it is written in a schema file. */
export function describe(validator) {
  const simple = { null: "v.null()", number: "v.float64()", bigint: "v.int64()", commitTs: "v.commitTs()" };
  const field = ({ fieldType, optional }) => (optional ? `v.optional(${describe(fieldType)})` : describe(fieldType));
  switch (validator.type) {
    case "id":
      return `v.id("${validator.tableName}")`;
    case "literal":
      return `v.literal(${JSON.stringify(validator.value)})`;
    case "array":
      return `v.array(${describe(validator.value)})`;
    case "record":
      return `v.record(${describe(validator.keys)}, ${describe(validator.values.fieldType ?? validator.values)})`;
    case "union":
      return `v.union(${validator.value.map(describe).join(", ")})`;
    case "object": {
      const fields = Object.entries(validator.value).sort(([a], [b]) => (a < b ? -1 : 1));
      return `v.object({${fields.map(([name, one]) => `${name}: ${field(one)}`).join(", ")}})`;
    }
    default:
      return simple[validator.type] ?? `v.${validator.type}()`;
  }
}

function idMismatch(validator, value, path) {
  const table = typeof value === "string" ? tableOf(value) : null;
  if (table === null) return noMatch(validator, value, path);
  if (table === validator.tableName) return null;
  const found = table.startsWith("_") ? "from a system table" : `from table \`${table}\``;
  const wish = `in validator \`v.id("${validator.tableName}")\``;
  return `Found ID "${value}" ${found}, which does not match the table name ${wish}.${context(path)}`;
}

function literalMismatch(validator, value, path) {
  const wanted = jsonToConvex(validator.value);
  if (typeof value === typeof wanted && compareValues(value, wanted) === 0) return null;
  return `\`${shown(value)}\` does not match literal validator \`${describe(validator)}\`.${context(path)}`;
}

function objectMismatch(validator, value, path) {
  const shownObject = () => `${context(path)}\nObject: ${shown(value)}\nValidator: ${describe(validator)}`;
  for (const [name, { fieldType, optional }] of Object.entries(validator.value)) {
    if (value[name] !== undefined) {
      const reason = mismatch(fieldType, value[name], [...path, `.${name}`]);
      if (reason !== null) return reason;
    } else if (!optional) {
      const advice = "Consider wrapping the field validator in `v.optional(...)` if this is expected.";
      return `Object is missing the required field \`${name}\`. ${advice}\n${shownObject()}`;
    }
  }
  const extra = Object.keys(value).find((name) => value[name] !== undefined && !Object.hasOwn(validator.value, name));
  return extra === undefined
    ? null
    : `Object contains extra field \`${extra}\` that is not in the validator.\n${shownObject()}`;
}

function noMatch(validator, value, path) {
  return `Value does not match validator.\n${context(path)}\nValue: ${shown(value)}\nValidator: ${describe(validator)}`;
}

function first(items, check) {
  for (const item of items) {
    const reason = check(item);
    if (reason !== null) return reason;
  }
  return null;
}

const context = (path) => (path.length ? `Path: ${path.join("")}` : "");
const isObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof ArrayBuffer);

function shown(value) {
  try {
    return JSON.stringify(convexToJson(value));
  } catch {
    return String(value);
  }
}
