// Convex values as text. The real server is typed: a Float64 is always written with a fraction (`1.0`), and clients in
// typed languages rely on it; JSON.stringify alone would write `1`. Knows values only, no protocol.

import { convexToJson, jsonToConvex } from "convex/values";

export { convexToJson, jsonToConvex };

/** JSON text of a Convex-encoded JSON tree, whole numbers as `1.0`. */
export function floatText(json) {
  if (typeof json === "number") return Number.isInteger(json) && Math.abs(json) < 1e21 ? `${json}.0` : String(json);
  if (json === null || typeof json !== "object") return JSON.stringify(json) ?? "null";
  if (Array.isArray(json)) return `[${json.map(floatText).join(",")}]`;
  const fields = [];
  for (const [key, value] of Object.entries(json)) {
    if (value !== undefined) fields.push(`${JSON.stringify(key)}:${floatText(value)}`);
  }
  return `{${fields.join(",")}}`;
}

/** Text of a value in the encoding that Convex's own clients use. */
export const encodedText = (value) => floatText(convexToJson(value ?? null));

/** A value as plain JSON for other clients (`format: "json"`): integers and bytes become strings. */
export function cleanJson(value) {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(cleanJson);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cleanJson(item)]));
  }
  return value ?? null;
}

/** Re-encode Convex-encoded text in the format that a request asked for; an unknown format is null. */
export function formatted(text, format) {
  if (format === undefined || format === "convex_encoded_json" || format === "convex_json") return text;
  if (format !== "json" && format !== "convex_clean_json") return null;
  return floatText(cleanJson(jsonToConvex(JSON.parse(text))));
}

/** A timestamp in nanoseconds as the sync protocol writes it: base64 of a little-endian u64. */
export function timestampText(nanoseconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(nanoseconds);
  return bytes.toString("base64");
}

/** The inverse of `timestampText`; null when it is not one. */
export function timestampOf(text) {
  const bytes = Buffer.from(String(text), "base64");
  return bytes.length === 8 ? bytes.readBigUInt64LE() : null;
}

/** An Int64 as Convex-encoded JSON. */
export const int64Json = (value) => convexToJson(BigInt(value));
