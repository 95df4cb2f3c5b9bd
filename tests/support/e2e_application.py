"""Another team's application of the same stack: other names, other folders, another build, no git, no TypeScript."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from tests.support.e2e_clone import REPOSITORY

ACCOUNT = "fedcba98765432100123456789abcdef"
ZONE = "mood.example"

INVENTORY = textwrap.dedent("""\
    [project]
    name = "moodboard"
    account_id = "fedcba98765432100123456789abcdef"
    zone = "mood.example"
    state_bucket = "mood-states"
    location = "enam"
    aws_region = "us-east-1"
    convex_team = "mood-team"
    convex_project = "board"
    fingerprint_key = { env = "MOOD_FINGERPRINT_KEY" }

    [app]
    path = "../their application"
    install = ["node", "tools/install.mjs"]
    build = ["node", "tools/build.mjs"]
    main = "out/worker/main.js"
    assets = "out/public"
    convex = "backend"
    convex_url_variable = "BACKEND"
    health = "/alive"

    [defaults]
    stacks = ["site", "hosts"]
    limits = { parallel_steps = 3, tool_seconds = 120, http_seconds = 10, proof_seconds = 20 }
    guards = { protected = false, empty_buckets_on_destroy = true }

    [defaults.worker]
    name = "mood-{environment}-web"
    compatibility_date = "2026-10-01"
    compatibility_flags = []
    logs = { enabled = false, sampling_rate = 0.0 }
    variables = { STAGE = "{environment}" }
    kv = { SESSIONS = "mood {environment} sessions" }
    r2 = { PICTURES = "mood-{environment}-pictures" }

    [defaults.worker.secrets]
    API_KEY = { aws = "mood/{environment}", key = "api_key" }
    OPTIONAL_KEY = { env = "MOOD_OPTIONAL_KEY", required = false }

    [defaults.convex]
    variables = { STAGE = "{environment}" }
    secrets = { API_KEY = { aws = "mood/{environment}", key = "api_key" } }

    [kinds.public]
    stacks = ["zone", "site", "hosts"]
    guards = { protected = true }
    convex = { type = "prod" }

    [kinds.public.zone]
    dnssec = false
    settings = { ssl = "full", min_tls_version = "1.3" }
    hsts = { max_age = 300, include_subdomains = false, preload = false }
    managed_rules = []
    rate_limit = { path = "/login", requests = 5, period = 10, timeout = 10 }
    cache = []

    [kinds.internal]
    convex = { type = "dev" }

    [environments.live]
    kind = "public"
    host = "www.{zone}"
    convex = { deployment = "tidy-marten-11", deploy_key = { env = "MOOD_LIVE_KEY" } }

    [environments.staging]
    kind = "internal"
    aliases = ["next"]
    host = "staging.{zone}"
    convex = { deployment = "mild-lynx-901", deploy_key = { aws = "mood/keys", key = "staging" } }
    """)

_FILES = {
    "package.json": '{"name": "moodboard", "private": true, "type": "module", "dependencies": {"convex": "*"}}\n',
    "package-lock.json": '{"name": "moodboard", "lockfileVersion": 3, "packages": {}}\n',
    "convex.json": '{"functions": "backend/"}\n',
    "tools/install.mjs": """\
        import { mkdirSync, symlinkSync } from "node:fs";
        mkdirSync("node_modules");
        symlinkSync(PACKAGES + "/convex", "node_modules/convex");
        """,
    "tools/build.mjs": """\
        import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
        mkdirSync("out/worker", { recursive: true });
        cpSync("pages", "out/public", { recursive: true });
        const source = readFileSync("src/main.js", "utf8");
        writeFileSync("out/worker/main.js", source.replace("@BACKEND@", process.env.BACKEND));
        """,
    "pages/about.html": "<h1>About moods</h1>\n",
    "src/main.js": """\
        async function ask(path, args = {}) {
          const body = JSON.stringify({ path, args, format: "json" });
          const headers = { "Content-Type": "application/json" };
          const answer = await fetch("@BACKEND@/api/query", { method: "POST", headers, body });
          return (await answer.json()).value;
        }

        export default {
          async fetch(request, env) {
            const { pathname } = new URL(request.url);
            if (pathname === "/alive") {
              await env.SESSIONS.put("seen", "yes");
              await env.PICTURES.put("one.txt", "a picture");
              const said = await ask("moods:about");
              const agreed = said?.key === env.API_KEY.length && said?.stage === env.STAGE;
              const stored = (await env.SESSIONS.get("seen")) === "yes" && (await env.PICTURES.get("one.txt")) !== null;
              const optional = "OPTIONAL_KEY" in env;
              return Response.json({ agreed, stored, optional }, { status: agreed && stored ? 200 : 503 });
            }
            if (pathname === "/") return new Response(`moods of ${env.STAGE}: ${await ask("moods:list")}`);
            return env.ASSETS.fetch(request);
          },
        };
        """,
    "backend/schema.js": """\
        import { defineSchema, defineTable } from "convex/server";
        import { v } from "convex/values";
        export default defineSchema({ moods: defineTable({ name: v.string() }) });
        """,
    "backend/moods.js": """\
        import { v } from "convex/values";
        import { mutation, query } from "./_generated/server";
        export const list = query({
          args: {},
          handler: async (ctx) => (await ctx.db.query("moods").collect()).map((mood) => mood.name).join(", "),
        });
        export const add = mutation({
          args: { name: v.string() },
          handler: (ctx, mood) => ctx.db.insert("moods", mood),
        });
        export const about = query({
          args: {},
          handler: () => ({ key: process.env.API_KEY?.length, stage: process.env.STAGE }),
        });
        """,
}


def another_teams_application(folder: Path) -> Path:
    """Write it; its packages are links to what this repository has installed."""
    app = folder / "their application"
    for name, text in _FILES.items():
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        packages = json.dumps(str(REPOSITORY / "node_modules"))
        path.write_text(textwrap.dedent(text).replace("PACKAGES", packages))
    return app
