// What a thrown value looks like to whoever called the function. Knows the real server's wording, not who may read it.

import { convexToJson } from "convex/values";

const CONVEX_ERROR = Symbol.for("ConvexError");

/** An error that the caller's input caused: shown without `Uncaught`, as the real server does. */
export class CallError extends Error {}

/** `{message, data?}` of anything thrown; stack frames only of pushed code, named as in the sources' folder. */
export function described(thrown, codeFolder) {
  if (thrown instanceof CallError) return { message: thrown.message };
  if (!(thrown instanceof Error)) return { message: `Uncaught ${String(thrown)}` };
  const frames = framesOf(thrown, codeFolder);
  if (CONVEX_ERROR in thrown) {
    return {
      message: [`Uncaught ConvexError: ${thrown.message}`, ...frames].join("\n"),
      data: convexToJson(thrown.data),
    };
  }
  return { message: [`Uncaught ${thrown.name}: ${thrown.message}`, ...frames].join("\n") };
}

function framesOf(error, codeFolder) {
  const prefix = `file://${codeFolder}/`;
  return String(error.stack ?? "")
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at ") && line.includes(prefix))
    .map((line) => line.replace(prefix, "../convex/"));
}
