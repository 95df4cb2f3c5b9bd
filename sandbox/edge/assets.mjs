// Folders of static assets as Miniflare wants them: with `_headers` and `_redirects`, which Wrangler sends apart from the files.

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const RULE_FILES = ["_headers", "_redirects"];

export class AssetFolders {
  #root;
  #used = new Set();

  constructor(root) {
    this.#root = root;
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /** The folder to serve for a site; null when it has no assets. */
  folder(site, source) {
    if (!site.assets_dir) return null;
    const rules = RULE_FILES.filter((name) => typeof site.assets_config?.[name] === "string");
    if (rules.length === 0) return source;
    const identity = JSON.stringify([source, fs.statSync(source).mtimeMs, rules.map((name) => site.assets_config[name])]);
    const key = crypto.createHash("sha256").update(identity).digest("hex").slice(0, 24);
    const target = path.join(this.#root, key);
    this.#used.add(key);
    if (!fs.existsSync(target)) {
      const unfinished = `${target}.${process.pid}`;
      fs.rmSync(unfinished, { recursive: true, force: true });
      linkTree(source, unfinished);
      for (const name of rules) fs.writeFileSync(path.join(unfinished, name), site.assets_config[name]);
      fs.renameSync(unfinished, target);
    }
    return target;
  }

  /** Remove the folders that no site has asked for since the last call. */
  sweep() {
    for (const name of fs.readdirSync(this.#root)) {
      if (!this.#used.has(name)) fs.rmSync(path.join(this.#root, name), { recursive: true, force: true });
    }
    this.#used.clear();
  }
}

function linkTree(from, to) {
  fs.mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (!RULE_FILES.includes(entry.name)) link(source, target);
  }
}

function link(source, target) {
  try {
    fs.linkSync(source, target);
  } catch {
    fs.copyFileSync(source, target); // another file system, or one without hard links
  }
}
