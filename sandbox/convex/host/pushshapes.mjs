// The deploy API's documents, made from what the analysis of pushed code found. Pure.

import { int64Json } from "./values.mjs";

/** All indexes of a schema in the API's form: `{name: "table.index", type, ...}`. */
export function indexesOf(schema) {
  return (schema?.tables ?? []).flatMap(
    ({ tableName, indexes = [], searchIndexes = [], vectorIndexes = [], stagedDbIndexes = [] }) => {
      const name = (index) => `${tableName}.${index.indexDescriptor}`;
      return [
        ...indexes.map((one) => ({ name: name(one), type: "database", fields: one.fields })),
        ...stagedDbIndexes.map((one) => ({ name: name(one), type: "database", fields: one.fields, staged: true })),
        ...(searchIndexes ?? []).map((one) => ({
          name: name(one),
          type: "search",
          searchField: one.searchField,
          filterFields: one.filterFields,
        })),
        ...(vectorIndexes ?? []).map((one) => ({
          name: name(one),
          type: "vector",
          dimensions: one.dimensions,
          vectorField: one.vectorField,
          filterFields: one.filterFields,
        })),
      ];
    },
  );
}

/** What a push does to the indexes. */
export function indexDifference(before, after) {
  const [old, next] = [indexesOf(before), indexesOf(after)];
  const text = (index) => JSON.stringify(index);
  const [oldTexts, nextTexts] = [new Set(old.map(text)), new Set(next.map(text))];
  return {
    added_indexes: next.filter((index) => !oldTexts.has(text(index))),
    removed_indexes: old.filter((index) => !nextTexts.has(text(index))),
    enabled_indexes: [],
    disabled_indexes: [],
  };
}

/** `{exported, required}` of an application definition (`convex.config.js`). */
export function describeDefinition(exported) {
  const variables = exported?.envVars ?? [];
  return { exported, required: variables.filter(([, validator]) => !validator.optional).map(([name]) => name) };
}

/** The answer of start_push. */
export function startPushAnswer({ id, push, analysis, schemaId }, environment, difference) {
  const exported = describeDefinition(analysis.definition).exported;
  const definition = {
    path: "",
    definitionType: { type: "app" },
    childComponents: [],
    httpMounts: {},
    exports: { type: "branch", branch: [] },
    ...(exported?.envVars ? { envVars: exported.envVars } : {}),
    ...(exported?.httpPrefix ? { httpPrefix: exported.httpPrefix } : {}),
  };
  const routes = analysis.functions["http.js"]?.httpRoutes ?? null;
  return {
    environmentVariables: environment,
    externalDepsId: null,
    componentDefinitionPackages: { "": { storageKey: id } },
    appAuth: analysis.auth,
    analysis: {
      "": {
        definition,
        schema: analysis.schema && {
          tables: analysis.schema.tables,
          schemaValidation: analysis.schema.schemaValidation,
        },
        functions: analysis.functions,
        udfConfig: {
          serverVersion: push.udfServerVersion,
          importPhaseRngSeed: { $bytes: Buffer.alloc(32).toString("base64") },
          importPhaseUnixTimestamp: int64Json(0),
        },
      },
    },
    app: {
      definitionPath: "",
      componentPath: "",
      args: {},
      childComponents: {},
      httpRoutes: { httpModuleRoutes: routes?.map(({ route }) => route) ?? null, mounts: [] },
      exports: {},
    },
    schemaChange: { allocatedComponentIds: {}, schemaIds: { "": schemaId }, indexDiffs: { "": difference } },
  };
}

/** What finish_push changed. */
export function pushDifference(before, after) {
  const old = new Map((before?.modules ?? []).map((one) => [one.path, one.sha256]));
  const next = new Map(after.modules.map((one) => [one.path, one.sha256]));
  const changed = [...next].filter(([path, sha256]) => old.get(path) !== sha256).map(([path]) => path);
  const gone = [...old].filter(([path, sha256]) => next.get(path) !== sha256).map(([path]) => path);
  const cronNames = (push) => Object.keys(push?.analysis.crons ?? {});
  const [oldCrons, nextCrons] = [cronNames(before), cronNames(after)];
  const sameCron = (name) => JSON.stringify(before.analysis.crons[name]) === JSON.stringify(after.analysis.crons[name]);
  const versions = [before?.udfServerVersion ?? "", after.udfServerVersion];
  const schemas = [before?.schema?.sha256 ?? null, after.schema?.sha256 ?? null];
  const component = {
    diffType: { type: before ? "modify" : "create" },
    moduleDiff: { added: changed, removed: gone },
    udfConfigDiff: versions[0] === versions[1] ? null : { previous_version: versions[0], next_version: versions[1] },
    cronDiff: {
      added: nextCrons.filter((name) => !oldCrons.includes(name)),
      updated: nextCrons.filter((name) => oldCrons.includes(name) && !sameCron(name)),
      deleted: oldCrons.filter((name) => !nextCrons.includes(name)),
    },
    indexDiff: indexDifference(before?.analysis.schema ?? null, after.analysis.schema),
    schemaDiff: schemas[0] === schemas[1] ? null : { previous_schema: schemas[0], next_schema: schemas[1] },
  };
  const texts = (push) => (push?.analysis.auth ?? []).map((provider) => JSON.stringify(provider));
  const [oldAuth, nextAuth] = [texts(before), texts(after)];
  return {
    authDiff: {
      added: nextAuth.filter((one) => !oldAuth.includes(one)),
      removed: oldAuth.filter((one) => !nextAuth.includes(one)),
    },
    definitionDiffs: {},
    componentDiffs: { "": component },
  };
}
