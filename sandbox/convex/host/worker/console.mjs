// `console` of the pushed functions: lines belong to the execution that wrote them, in the real server's form.
// Outside of an execution (a module that is being loaded) they go to the process's own log.

import { inspect } from "node:util";

const LEVELS = { log: "LOG", info: "INFO", debug: "DEBUG", warn: "WARN", error: "ERROR", trace: "DEBUG" };
const MOST_LINES = 256; // as the real server

/** Replace the thread's console; `current()` gives the running execution, whose `lines` are filled. */
export function captureConsole(current) {
  const own = globalThis.console;
  const timers = new Map();
  const write = (level, values) => {
    const execution = current();
    if (!execution?.lines) return own.error(...values);
    if (execution.lines.length < MOST_LINES) {
      const messages = values.map((value) => inspect(value, { depth: 4, breakLength: Infinity }));
      execution.lines.push({ level, messages, timestamp: Date.now(), isTruncated: false });
    }
  };
  globalThis.console = {
    ...Object.fromEntries(Object.entries(LEVELS).map(([name, level]) => [name, (...values) => write(level, values)])),
    time: (label = "default") => timers.set(label, performance.now()),
    timeLog: (label = "default") =>
      write("INFO", [`${label}: ${(performance.now() - (timers.get(label) ?? 0)).toFixed(0)}ms`]),
    timeEnd: (label = "default") => {
      globalThis.console.timeLog(label);
      timers.delete(label);
    },
    assert: (holds, ...values) => holds || write("ERROR", ["Assertion failed", ...values]),
  };
}
