// What is known of the published Workers: which ran, and which do not start. One that does not start must keep neither the
// others nor its own last good version from being served; workerd itself only starts all or none.

export class Known {
  #good = new Map();
  #bad = new Set();

  /** What to serve: each Worker as published or, where that is known not to start, as it ran last. */
  select(sites) {
    return [...grouped(sites)].flatMap(([worker, group]) => (this.#bad.has(key(group)) ? (this.#good.get(worker) ?? []) : group));
  }

  /** Workers of which it is not known whether they start, the one that was published last first. */
  suspects(sites) {
    const unknown = ([worker, group]) => !this.#bad.has(key(group)) && key(this.#good.get(worker) ?? []) !== key(group);
    return [...grouped(sites)].filter(unknown).map(([worker]) => worker).reverse();
  }

  /** These Workers, as published, do not start. */
  condemn(sites, workers) {
    for (const [worker, group] of grouped(sites)) if (workers.includes(worker)) this.#bad.add(key(group));
  }

  /** They may start after all. */
  acquit(sites, worker) {
    this.#bad.delete(key(grouped(sites).get(worker)));
  }

  /** What was served runs. */
  confirm(sites) {
    for (const [worker, group] of grouped(sites)) if (!this.#bad.has(key(group))) this.#good.set(worker, group);
  }

  /** After a reset nothing is known. */
  clear() {
    this.#good.clear();
    this.#bad.clear();
  }
}

function grouped(sites) {
  const groups = new Map();
  for (const site of sites) groups.set(site.worker, [...(groups.get(site.worker) ?? []), site]);
  return groups;
}

function key(group) {
  return JSON.stringify(group);
}
