// `convex deploy` as the deployment sees it: evaluate, start, wait for the schema, finish. Code is staged in a thread of its own and
// nothing is live before `finish`. Knows the deploy API's shapes; routes check keys before they come here.

import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { describeDefinition, indexDifference, indexesOf, pushDifference, startPushAnswer } from "./pushshapes.mjs";
import { badRequest, Refusal } from "./refusal.mjs";

const STAGED_SECONDS = 300;
const MOST_STAGED = 2; // each holds a thread; a second so that somebody's dry run does not disturb a push

export class Pushes {
  #deployment;
  #staged = new Map(); // by id
  #pendingSchema = null;

  constructor(deployment) {
    this.#deployment = deployment;
  }

  /** What the server has: hashes per module, so that the CLI sends only what changed and others see foreign pushes. */
  configHashes() {
    const push = this.#deployment.push;
    // The server keeps schema and definition beside the functions; the CLI sends a definition even when there is no file.
    const modules = push ? [...push.modules, push.schema, push.definition].filter(Boolean) : [];
    return {
      config: { functions: push?.functions ?? "convex/", authInfo: this.#deployment.authProviders },
      moduleHashes: modules.map(({ path: file, sha256, environment }) => ({ path: file, hash: sha256, environment })),
      nodeDependencies: [],
      udfServerVersion: push?.udfServerVersion ?? null,
      ...(push?.nodeVersion ? { nodeVersion: push.nodeVersion } : {}),
    };
  }

  /** What the push would do to the tables; stages the code, because only running it tells. */
  async evaluateSchema(request) {
    let analysis;
    try {
      ({ analysis } = await this.#stage(request));
    } catch (error) {
      // The real server looks at the schema alone here; what is wrong with other modules start_push will say.
      if (error.code !== "InvalidModules") throw error;
      analysis = this.#deployment.analysis;
    }
    const thread = await this.#deployment.thread();
    const counts = await thread.call("counts");
    const difference = indexDifference(this.#deployment.analysis.schema, analysis.schema);
    const tables = (analysis.schema?.tables ?? []).map(({ tableName }) => ({
      name: tableName,
      outcome: counts[tableName] ? "mustWalk" : "notValidated",
      numDocs: counts[tableName] ?? 0,
      sizeBytes: 0,
    }));
    const added = new Set(difference.added_indexes.map((index) => index.name));
    const predicted = (index, change, needsBackfill) => ({
      ...index,
      change,
      needsBackfill,
      numDocs: counts[index.name.split(".")[0]] ?? 0,
    });
    const indexes = [
      ...indexesOf(analysis.schema).map((index) =>
        predicted(index, added.has(index.name) ? "added" : "identical", added.has(index.name)),
      ),
      ...difference.removed_indexes.map((index) => predicted(index, "dropped", false)),
    ];
    const root = {
      definitionPath: "",
      schemaValidation: analysis.schema?.schemaValidation ?? false,
      tables,
      indexes,
      discardedStagedValidators: [],
    };
    return { componentSchemaEvaluations: { "": root }, newComponentDefinitions: [] };
  }

  /** Stage the code and describe it. A dry run leaves no trace. */
  async start(request) {
    const staged = await this.#stage(request);
    if (!request.dryRun) this.#pendingSchema = staged.schemaId;
    const difference = indexDifference(this.#deployment.analysis.schema, staged.analysis.schema);
    return startPushAnswer(staged, this.#deployment.environment, difference);
  }

  /** Do the existing documents fit? */
  async waitForSchema({ schemaChange, dryRun }) {
    const schemaId = schemaChange?.schemaIds?.[""];
    const staged = [...this.#staged.values()].find((one) => one.schemaId === schemaId);
    if (!dryRun && schemaId !== this.#pendingSchema) return { type: "raceDetected" };
    if (!staged)
      throw badRequest("SchemaNotFound", "The schema of this push is not known any more: start the push again.");
    const misfit = await staged.thread.call("validate");
    if (!misfit) return { type: "complete" };
    this.#drop(staged.id);
    return { type: "failed", componentPath: "", ...misfit };
  }

  /** Make it live. */
  finish({ startPush, dryRun, message = null }, actor) {
    if (dryRun) {
      this.#drop(stagedId(startPush));
      return { authDiff: { added: [], removed: [] }, definitionDiffs: {}, componentDiffs: {} };
    }
    if (message !== null && Buffer.byteLength(message) > 1024) {
      throw badRequest("PushMessageTooLong", "Push messages can be at most 1024 bytes long");
    }
    return this.#deployment.exclusively(async () => {
      const staged = this.#staged.get(stagedId(startPush));
      if (!staged || staged.thread.ended)
        throw badRequest("RaceDetected", "The push that was started is not known any more");
      this.#checkRaces(staged, startPush);
      const misfit = await staged.thread.call("validate");
      if (misfit) throw badRequest("SchemaEnforcementError", `Hit an error while pushing:\n${misfit.error}`);
      const before = this.#deployment.push;
      const push = this.#keep(staged);
      this.#staged.delete(staged.id);
      clearTimeout(staged.timer);
      await this.#deployment.adopt(push, staged.thread);
      this.#pendingSchema = null;
      const difference = pushDifference(before, push);
      const diffs = Object.entries(difference.componentDiffs).map(([component_path, component_diff]) => ({
        component_path,
        component_diff,
      }));
      const metadata = { auth_diff: difference.authDiff, component_diffs: diffs, message, node_version_diff: null };
      this.#deployment.audit.add("push_config_with_components", metadata, actor);
      return difference;
    });
  }

  /** End everything that was staged. */
  close() {
    for (const id of [...this.#staged.keys()]) this.#drop(id);
  }

  #checkRaces(staged, startPush) {
    if (!sameEntries(this.#deployment.environment, startPush.environmentVariables ?? {})) {
      throw badRequest("RaceDetected", "Hit an error while pushing:\nEnvironment variables have changed during push");
    }
    if (staged.base !== (this.#deployment.push?.folder ?? null)) {
      throw badRequest("RaceDetected", "Hit an error while pushing:\nAnother push has finished meanwhile");
    }
    const declared = describeDefinition(staged.analysis.definition).required;
    const missing = declared.filter((name) => this.#deployment.environment[name] === undefined);
    if (missing.length > 0) {
      const advice = "Set them in the Convex dashboard or CLI before pushing.";
      throw badRequest(
        "MissingEnvironmentVariables",
        `Hit an error while pushing:\nRequired environment variables are not set: ${missing.join(", ")}. ${advice}`,
      );
    }
  }

  // The same request comes twice in a row (evaluate_schema, start_push): its code is loaded once.
  async #stage(request) {
    refuseComponents(request);
    const modules = this.#completed(request.appDefinition);
    const digest = digestOf(modules, request, this.#deployment.environment);
    const base = this.#deployment.push?.folder ?? null;
    const known = [...this.#staged.values()].find(
      (one) => one.digest === digest && one.base === base && !one.thread.ended,
    );
    if (known) return known;
    for (const id of [...this.#staged.keys()].slice(0, 1 - MOST_STAGED)) this.#drop(id);
    const id = randomBytes(8).toString("hex");
    const push = this.#write(id, modules, request);
    try {
      const staged = { id, digest, base, push, schemaId: schemaIdOf(push), ...(await this.#deployment.stage(push)) };
      staged.timer = setTimeout(() => this.#drop(id), STAGED_SECONDS * 1000);
      this.#staged.set(id, staged);
      return staged;
    } catch (error) {
      fs.rmSync(path.join(this.#deployment.folder, push.folder), { recursive: true, force: true });
      if (error.code) error.message = `Hit an error while pushing:\n${error.message}`;
      throw error;
    }
  }

  /** All modules of the push: those that were sent, and those that the server is said to have. */
  #completed({ changedModules, unchangedModuleHashes }) {
    const push = this.#deployment.push;
    const kept = unchangedModuleHashes.map(({ path: file, environment, sha256 }) => {
      const found = push?.modules.find((one) => one.path === file);
      if (!found) throw new Refusal(409, "MissingExistingModule", "Could not find existing unchanged module.");
      if (found.sha256 !== sha256 || found.environment !== environment) {
        throw new Refusal(409, "ExistingModuleHashConflict", "Existing module hash does not match.");
      }
      return { ...found, from: path.join(this.#deployment.folder, push.folder, file) };
    });
    return [...changedModules.map(hashed), ...kept];
  }

  #write(id, modules, { appDefinition, functions, nodeVersion }) {
    const folder = `code-${id}`;
    const root = path.join(this.#deployment.folder, folder);
    const schema = appDefinition.schema ? hashed(appDefinition.schema) : null;
    const definition = appDefinition.definition ? hashed(appDefinition.definition) : null;
    for (const one of [...modules, schema, definition]) if (one) writeModule(root, one);
    // Without it Node would take `.js` for CommonJS.
    fs.writeFileSync(path.join(root, "package.json"), '{"type":"module"}', { mode: 0o600 });
    const authSource = modules.find((one) => one.path === "auth.config.js");
    return {
      folder,
      functions,
      modules: modules.map(meta),
      schema: schema && meta(schema),
      definition: definition && meta(definition),
      authVariables: authSource ? variablesIn(fs.readFileSync(path.join(root, authSource.path), "utf8")) : [],
      udfServerVersion: appDefinition.udfServerVersion,
      nodeVersion: nodeVersion ?? null,
    };
  }

  #keep({ push, analysis }) {
    return { ...push, analysis, time: Date.now() };
  }

  #drop(id) {
    const staged = this.#staged.get(id);
    if (!staged) return;
    this.#staged.delete(id);
    clearTimeout(staged.timer);
    void staged.thread.terminate();
    fs.rmSync(path.join(this.#deployment.folder, staged.push.folder), { recursive: true, force: true });
  }
}

function refuseComponents({ appDefinition, componentDefinitions, nodeDependencies = [] }) {
  if (!appDefinition?.changedModules || !appDefinition.unchangedModuleHashes) {
    throw badRequest("InvalidConfig", "`appDefinition` with `changedModules` and `unchangedModuleHashes` is required");
  }
  const components = [
    ...(componentDefinitions ?? []).map((one) => one.definitionPath),
    ...(appDefinition.dependencies ?? []),
  ];
  if (components.length > 0) {
    throw badRequest(
      "SandboxNoComponents",
      `The sandbox runs applications without components; this one uses ${components.join(", ")}.`,
    );
  }
  if (nodeDependencies.length > 0) {
    const names = nodeDependencies.map((one) => one.name).join(", ");
    throw badRequest(
      "SandboxNoNodeDependencies",
      `The sandbox installs no external packages for "use node" modules: ${names}. Bundle them.`,
    );
  }
}

function hashed({ path: file, source, sourceMap, environment }) {
  if (!/^[\w./-]+$/.test(file) || file.includes(".."))
    throw badRequest("InvalidModulePath", `${file} is not a valid path to a Convex module.`);
  const sha256 = createHash("sha256")
    .update(source)
    .update(sourceMap ?? "")
    .digest("hex");
  return { path: file, environment, sha256, source };
}

function writeModule(root, { path: file, source, from }) {
  const target = path.join(root, file);
  fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  if (from) fs.linkSync(from, target);
  else fs.writeFileSync(target, source, { mode: 0o600 });
}

function digestOf(modules, { appDefinition, functions }, environment) {
  const parts = modules.map((one) => `${one.path} ${one.environment} ${one.sha256}`).sort();
  for (const one of [appDefinition.schema, appDefinition.definition])
    if (one) parts.push(`${one.path} ${hashed(one).sha256}`);
  return createHash("sha256")
    .update(JSON.stringify([parts, functions, Object.entries(environment).sort()]))
    .digest("hex");
}

const meta = ({ path: file, environment, sha256 }) => ({ path: file, environment, sha256 });
const schemaIdOf = (push) => `schema-${(push.schema?.sha256 ?? "none").slice(0, 24)}`;
const stagedId = (startPush) => startPush?.componentDefinitionPackages?.[""]?.storageKey ?? null;
const variablesIn = (source) => [
  ...new Set([...source.matchAll(/process\.env\.([A-Za-z_]\w*)/g)].map((found) => found[1])),
];

function sameEntries(a, b) {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
