// The Miniflare instance: started once, given new options when the sites change, one change after the other.
// Knows options and assets, not HTTP; the front proxy asks it where to send requests and when.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { AssetFolders } from "./assets.mjs";
import { Known } from "./known.mjs";
import { boundBuckets, INFRASTRUCTURE, workers } from "./options.mjs";

const DRAIN_MILLISECONDS = 2000;

export class Runtime {
  #settings;
  #miniflare = null;
  #module = null;
  #signature = "";
  #address = null;
  #folders;
  #known = new Known();
  #queue = Promise.resolve();
  #running = 0;
  #idle = null;
  /** Called after each start of workerd, with its address: connections that are kept to the old one are dead. */
  onRestart = () => {};

  /** @param settings `{ home, tools, credentials, launcher }` */
  constructor(settings) {
    this.#settings = settings;
    this.#folders = new AssetFolders(path.join(settings.home, "edge", "assets"));
  }

  /** Serve what sites.json says; resolves when it is live. */
  reload() {
    return this.#enqueue(() => this.#apply(this.#readSites()));
  }

  /** Forget everything that Workers stored. */
  clear() {
    return this.#enqueue(async () => {
      // Moved away under the running workerd; the one that the new options start finds an empty place.
      const old = `${this.#storage}.old`;
      fs.rmSync(old, { recursive: true, force: true });
      if (fs.existsSync(this.#storage)) fs.renameSync(this.#storage, old);
      this.#signature = "";
      this.#known.clear();
      await this.#apply(this.#readSites());
      fs.rmSync(old, { recursive: true, force: true });
    });
  }

  /** Run `request(address)` when no change is under way; changes wait for it a while. */
  async use(request) {
    await this.#queue;
    this.#running += 1;
    try {
      return await request(this.#address);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** Where workerd listens. */
  async address() {
    await this.#queue;
    return this.#address;
  }

  /** Run a Worker's scheduled handler. */
  async scheduled(worker, cron) {
    await this.#queue;
    const fetcher = await this.#miniflare.getWorker(worker);
    return fetcher.scheduled({ cron, scheduledTime: new Date() });
  }

  /** Does a bucket hold something that came through a Worker's binding? */
  async occupied(bucket) {
    await this.#queue;
    const index = this.#buckets().indexOf(bucket);
    if (index < 0) return false;
    const handle = await this.#miniflare.getR2Bucket(`BUCKET_${index}`, INFRASTRUCTURE);
    return (await handle.list({ limit: 1 })).objects.length > 0;
  }

  end() {
    return this.#enqueue(() => this.#end());
  }

  get #storage() {
    return path.join(this.#settings.home, "edge", "data");
  }

  #enqueue(change) {
    const result = this.#queue.then(change);
    this.#queue = result.catch(() => {});
    return result;
  }

  #readSites() {
    try {
      return JSON.parse(fs.readFileSync(path.join(this.#settings.home, "edge", "sites.json"), "utf8")).sites;
    } catch (error) {
      if (error.code === "ENOENT") return [];
      throw error;
    }
  }

  async #apply(sites) {
    const signature = JSON.stringify(sites);
    if (signature === this.#signature && this.#miniflare) return;
    this.#remember(boundBuckets(sites));
    try {
      await this.#try(sites);
    } catch (error) {
      await this.#leaveOut(sites);
      throw error;
    } finally {
      this.#signature = signature;
    }
  }

  /** Serve the sites as far as they are not known to be bad. */
  async #try(sites) {
    const selected = this.#known.select(sites);
    await this.#serve(this.#build(selected));
    this.#known.confirm(selected);
    this.#folders.sweep();
  }

  /** Find the Worker that does not start, and serve the others; if no single one is to blame, none of the new ones. */
  async #leaveOut(sites) {
    const suspects = this.#known.suspects(sites);
    for (const suspect of suspects.length > 1 ? suspects : []) {
      this.#known.condemn(sites, [suspect]);
      try {
        return await this.#try(sites);
      } catch {
        this.#known.acquit(sites, suspect);
      }
    }
    this.#known.condemn(sites, suspects);
    return this.#try(sites);
  }

  async #serve(options) {
    await this.#drain();
    try {
      if (this.#miniflare) await this.#miniflare.setOptions(options);
      else this.#miniflare = new this.#module.Miniflare(options);
      this.#address = await this.#miniflare.ready;
    } catch (error) {
      // After a failed start Miniflare gives up its instance for good.
      this.#address = null;
      await this.#miniflare?.dispose().catch(() => {});
      this.#miniflare = null;
      throw error;
    }
    this.onRestart();
  }

  async #drain() {
    if (this.#running === 0) return;
    const idle = new Promise((resolve) => (this.#idle = resolve));
    const timeout = new Promise((resolve) => setTimeout(resolve, DRAIN_MILLISECONDS));
    await Promise.race([idle, timeout]);
    this.#idle = null;
  }

  async #end() {
    await this.#miniflare?.dispose();
    this.#miniflare = null;
    this.#signature = "";
  }

  #load() {
    // The Miniflare that the pinned Wrangler brings, wherever npm has put it.
    const wrangler = createRequire(path.join(this.#settings.tools, "package.json")).resolve("wrangler/package.json");
    const require = createRequire(wrangler);
    const { launcher } = this.#settings;
    if (launcher) {
      const workerd = createRequire(require.resolve("miniflare")).resolve("workerd");
      const script = path.join(this.#settings.home, "edge", "workerd");
      fs.writeFileSync(script, launcherScript(launcher, createRequire(workerd)("workerd").default), { mode: 0o700 });
      process.env.MINIFLARE_WORKERD_PATH = script;
    }
    return require("miniflare");
  }

  #build(sites) {
    const { home, credentials } = this.#settings;
    const world = {
      credentials,
      buckets: this.#buckets(),
      read: (file) => fs.readFileSync(path.resolve(home, "cloudflare", file)),
      assets: (site) => this.#folders.folder(site, site.assets_dir && path.resolve(home, "cloudflare", site.assets_dir)),
    };
    const options = {
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: this.#storage,
      unsafeHandleRuntimeRestart: () => this.onRestart(),
      handleStructuredLogs: ({ level, message }) => process.stderr.write(`${level} ${message}\n`),
      workers: workers(sites, world),
    };
    this.#module ??= this.#load();
    const convert = this.#module.convertV4MiniflareOptions;
    return convert ? convert(options) : options;
  }

  // A bucket keeps its place here when no Worker binds it any more: its objects are still there, and S3 still serves them.
  #buckets() {
    try {
      return JSON.parse(fs.readFileSync(path.join(this.#settings.home, "edge", "buckets.json"), "utf8"));
    } catch {
      return [];
    }
  }

  #remember(names) {
    const known = this.#buckets();
    const all = [...known, ...names.filter((name) => !known.includes(name))];
    if (all.length === known.length) return;
    const file = path.join(this.#settings.home, "edge", "buckets.json");
    fs.writeFileSync(`${file}.tmp`, JSON.stringify(all), { mode: 0o600 });
    fs.renameSync(`${file}.tmp`, file);
  }
}

function launcherScript({ python, program }, workerd) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  return `#!/bin/sh\nexec ${[python, "-I", "-S", program, workerd].map(quote).join(" ")} "$@"\n`;
}
