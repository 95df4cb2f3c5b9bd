// Documents as the operator's commands want them: page by page, without a function. Reads only.

import { encodedText } from "../values.mjs";
import { tableOf } from "./validators.mjs";

/** A page of one table by creation time, as Convex-encoded text of a pagination result. */
export function documentsPage(db, { table, order, numItems, cursor }) {
  const documents = documentsOf(db, table);
  if (order === "desc") documents.reverse();
  const start = cursor === null ? 0 : Number(cursor);
  const end = Math.min(start + numItems, documents.length);
  return encodedText({
    page: documents.slice(start, end),
    isDone: end >= documents.length,
    continueCursor: String(end),
  });
}

/** The documents of one table, oldest first. */
export function documentsOf(db, table) {
  return Object.entries(db._documents)
    .filter(([id]) => tableOf(id) === table)
    .map(([, document]) => document)
    .sort((a, b) => a._creationTime - b._creationTime);
}
