// What pushed functions ask of the server beyond the database: scheduling, file storage, pagination that stays put.
// convex-test answers these for tests only (timers lost with the process, addresses that lead nowhere), so they are ours.

import { convexToJson, jsonToConvex } from "convex/values";

import { executions } from "./database.mjs";

/** Put our answers before convex-test's. */
export function extendSyscalls({ global, t, db }, { files, timers, canonicalPath, deployment }) {
  const asynchronous = global.asyncSyscall;
  const script = global.jsSyscall;

  const answers = {
    "1.0/schedule": ({ name, functionHandle, args, ts }) => {
      const target = name ?? functionHandle?.split(";")[1];
      if (target === undefined)
        throw new Error("Functions of components cannot be scheduled: the sandbox has no components.");
      return convexToJson(timers.schedule(canonicalPath(target), jsonToConvex(args), ts * 1000));
    },
    "1.0/cancel_job": ({ id }) => {
      const job = db.get("_scheduled_functions", id);
      if (job?.state.kind === "pending") {
        db.patch("_scheduled_functions", id, { state: { kind: "canceled" }, completedTime: Date.now() });
      }
      return {};
    },
    "1.0/storageGetUrl": ({ storageId }) => files.address(storageId),
    "1.0/storageGenerateUploadUrl": () => files.uploadAddress(),
    "1.0/storageGetMetadata": ({ storageId }) => {
      const metadata = db.get("_storage", storageId);
      if (metadata === null) return null;
      const { sha256, size, contentType = null } = metadata;
      return { storageId, sha256, size, contentType };
    },
    "1.0/getDeploymentMetadata": () => ({ name: deployment.name, region: null, class: "s16" }),
  };

  global.asyncSyscall = async (operation, text) => {
    if (operation === "1.0/queryPage") return page(asynchronous, text);
    const answer = answers[operation];
    return answer ? JSON.stringify(await answer(JSON.parse(text))) : asynchronous(operation, text);
  };

  global.jsSyscall = async (operation, args) => {
    if (operation === "storage/storeBlob") {
      return files.store(Buffer.from(await args.blob.arrayBuffer()), args.blob.type || null);
    }
    if (operation === "storage/getBlob") return files.blob(args.storageId);
    return script(operation, args);
  };
}

// A page of a live query keeps its end when documents are added before it (the "query journal" of the protocol).
async function page(original, text) {
  const execution = executions.getStore();
  const args = JSON.parse(text);
  if (execution?.journal && !args.endCursor) args.endCursor = JSON.parse(execution.journal).endCursor;
  const answer = await original("1.0/queryPage", JSON.stringify(args));
  if (execution) execution.nextJournal = JSON.stringify({ endCursor: JSON.parse(answer).continueCursor });
  return answer;
}
