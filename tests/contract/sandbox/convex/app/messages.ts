// A little of everything that a deployment must be able to run.

import { ConvexError, v } from "convex/values";
import { api, internal } from "./_generated/api";
import { action, internalMutation, mutation, query } from "./_generated/server";

export const count = query({
  args: {},
  returns: v.number(),
  handler: async (ctx) => (await ctx.db.query("messages").collect()).length,
});

export const byAuthor = query({
  args: { author: v.string() },
  handler: (ctx, { author }) =>
    ctx.db
      .query("messages")
      .withIndex("by_author", (q) => q.eq("author", author))
      .collect(),
});

export const bodies = query({
  args: { paginationOpts: v.any() },
  handler: async (ctx, { paginationOpts }) => {
    const { page, ...rest } = await ctx.db.query("messages").order("desc").paginate(paginationOpts);
    return { page: page.map((message) => message.body), ...rest };
  },
});

export const whoami = query({ args: {}, handler: async (ctx) => (await ctx.auth.getUserIdentity())?.name ?? null });

export const refuse = query({
  args: {},
  handler: async () => {
    throw new ConvexError({ code: "too_late", minutes: 5 });
  },
});

export const send = mutation({
  args: { author: v.string(), body: v.string() },
  handler: (ctx, message) => {
    console.log("sending", message.body);
    return ctx.db.insert("messages", message);
  },
});

export const fail = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("messages", { author: "fail", body: "must not stay" });
    throw new Error("kaboom");
  },
});

export const sendLater = mutation({
  args: { milliseconds: v.number(), body: v.string() },
  handler: (ctx, { milliseconds, body }) => ctx.scheduler.runAfter(milliseconds, internal.messages.sendNow, { body }),
});

export const sendNow = internalMutation({
  args: { body: v.string() },
  handler: async (ctx, { body }) => {
    await ctx.db.insert("messages", { author: "scheduler", body });
  },
});

export const sendByAction = action({
  args: { body: v.string() },
  handler: async (ctx, { body }): Promise<number> => {
    await ctx.runMutation(api.messages.send, { author: "action", body });
    return ctx.runQuery(api.messages.count, {});
  },
});

export const keepFile = action({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const id = await ctx.storage.store(new Blob([text], { type: "text/plain" }));
    return ctx.storage.getUrl(id);
  },
});

export const uploadUrl = mutation({ args: {}, handler: (ctx) => ctx.storage.generateUploadUrl() });
