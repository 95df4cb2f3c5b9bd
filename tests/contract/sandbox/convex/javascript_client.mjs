// Convex's own clients, driven by a test: steps on standard input, one answer for each on standard output.

import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { convexToJson, jsonToConvex } from "convex/values";

const url = process.argv[2];
const quiet = { logger: false };
const http = new ConvexHttpClient(url, quiet);
let live = null;
const seen = new Map();

function shown(value) {
  return convexToJson(value ?? null);
}

function failure(error) {
  return { error: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const answers = [];
for (const step of JSON.parse(Buffer.concat(chunks))) answers.push(await carryOut(step));
await live?.close();
console.log(JSON.stringify(answers));

async function carryOut({ do: what, path, args = {}, ...step }) {
  const reference = path && makeFunctionReference(path);
  const values = jsonToConvex(args);
  const socket = () => (live ??= new ConvexClient(url, quiet));
  try {
    switch (what) {
      case "query":
      case "mutation":
      case "action":
      case "consistentQuery":
        return shown(await http[what](reference, values));
      case "live mutation":
        return shown(await socket().mutation(reference, values));
      case "live action":
        return shown(await socket().action(reference, values));
      case "authenticate":
        http.setAuth(step.token);
        socket().setAuth(async () => step.token);
        return null;
      case "subscribe":
        seen.set(step.name, []);
        socket().onUpdate(
          reference,
          values,
          (value) => seen.get(step.name).push(shown(value)),
          (error) => seen.get(step.name).push(failure(error)),
        );
        return null;
      case "updates":
        return seen.get(step.name);
      case "until":
        return await until(step);
      default:
        throw new Error(`unknown step ${what}`);
    }
  } catch (error) {
    return failure(error);
  }
}

// The updates of a subscription, once the last is the wanted one.
async function until({ name, last, seconds = 10 }) {
  const wanted = JSON.stringify(last);
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    if (JSON.stringify(seen.get(name).at(-1)) === wanted) return seen.get(name);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${name} did not become ${wanted}: ${JSON.stringify(seen.get(name))}`);
}
