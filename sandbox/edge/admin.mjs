// What the Python side asks of the edge process: /__sandbox/... on the same port, for Host 127.0.0.1 or localhost only.

export function admin(runtime) {
  const routes = {
    "POST /__sandbox/reload": async () => {
      await runtime.reload();
      return {};
    },
    "POST /__sandbox/clear": async () => {
      await runtime.clear();
      return {};
    },
    "GET /__sandbox/runtime": async () => ({ address: String(await runtime.address()) }),
    "GET /__sandbox/occupied": async (query) => ({ occupied: await runtime.occupied(query.get("bucket")) }),
    "POST /__sandbox/scheduled": (query) => runtime.scheduled(query.get("worker"), query.get("cron") ?? ""),
  };
  return async (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    const route = routes[`${request.method} ${url.pathname}`];
    request.resume();
    let [status, value] = [404, { error: "no such request" }];
    if (route) {
      try {
        [status, value] = [200, await route(url.searchParams)];
      } catch (error) {
        [status, value] = [422, { error: error.message.slice(0, 2000) }];
      }
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
}
