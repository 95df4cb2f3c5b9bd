import { httpRouter } from "convex/server";
import { api } from "./_generated/api";
import { httpAction } from "./_generated/server";

const http = httpRouter();

http.route({
  path: "/count",
  method: "GET",
  handler: httpAction(async (ctx, request) => {
    const count = await ctx.runQuery(api.messages.count, {});
    return Response.json({ count, url: request.url }, { headers: { "x-from": "convex" } });
  }),
});

http.route({
  path: "/echo",
  method: "POST",
  handler: httpAction(async (_, request) => new Response(await request.arrayBuffer(), { status: 201 })),
});

http.route({
  path: "/boom",
  method: "GET",
  handler: httpAction(async () => {
    throw new Error("kaboom");
  }),
});

export default http;
