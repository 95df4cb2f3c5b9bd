// One live query with Convex's browser client: every update is a line of JSON on standard output, until standard input ends.

import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { convexToJson, jsonToConvex } from "convex/values";

const [url, path, args] = process.argv.slice(2);
const client = new ConvexClient(url, { logger: false });
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
client.onUpdate(
  makeFunctionReference(path),
  jsonToConvex(JSON.parse(args)),
  (value) => tell({ value: convexToJson(value ?? null) }),
  (error) => tell({ error: error.message }),
);
process.stdin.on("end", () => process.exit(0)).resume();
