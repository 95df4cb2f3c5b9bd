// What the CLI's inline queries import from `convex:/_system/repl/wrappers.js`: only the handler matters here.

export const query = (definition) => ({ _handler: definition.handler ?? definition });
export const internalQuery = query;
