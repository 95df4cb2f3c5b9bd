import assert from "node:assert/strict";
import { test } from "node:test";

import { encodedText, formatted, timestampOf, timestampText } from "../../../../sandbox/convex/host/values.mjs";
import { describe, mismatch, tableOf } from "../../../../sandbox/convex/host/worker/validators.mjs";
import { unzip, zip } from "../../../../sandbox/convex/host/zip.mjs";

test("floats keep their fraction, everything else its form", () => {
  assert.equal(
    encodedText({ a: 1, b: 1.5, c: "1", d: [2, null, true], e: 3n }),
    '{"a":1.0,"b":1.5,"c":"1","d":[2.0,null,true],"e":{"$integer":"AwAAAAAAAAA="}}',
  );
  assert.equal(JSON.parse(encodedText(1e300)), 1e300);
  assert.equal(encodedText(undefined), "null");
});

test("other clients get plain JSON; an unknown format is none", () => {
  assert.equal(
    formatted(encodedText({ a: 3n, b: NaN, c: new ArrayBuffer(1) }), "json"),
    '{"a":"3","b":"NaN","c":"AA=="}',
  );
  assert.equal(formatted("1.0", "xml"), null);
});

test("timestamps survive the way over the wire", () => {
  for (const time of [0n, 1n, 1_795_363_344_306_000_000n]) assert.equal(timestampOf(timestampText(time)), time);
  assert.equal(timestampOf("?"), null);
});

test("validators name the place and describe what was expected", () => {
  const text = { type: "string" };
  const object = {
    type: "object",
    value: {
      a: { fieldType: { type: "array", value: text }, optional: false },
      b: { fieldType: text, optional: true },
    },
  };
  assert.equal(mismatch(object, { a: ["x"] }), null);
  assert.match(mismatch(object, { a: ["x", 1] }), /Path: \.a\[1\]\nValue: 1\nValidator: v\.string\(\)/);
  assert.match(mismatch(object, {}), /missing the required field `a`/);
  assert.match(mismatch(object, { a: [], c: 1 }), /extra field `c`/);
  assert.equal(describe(object), "v.object({a: v.array(v.string()), b: v.optional(v.string())})");
  assert.match(mismatch({ type: "id", tableName: "users" }, "00012messages"), /from table `messages`/);
  assert.equal(mismatch({ type: "union", value: [text, { type: "null" }] }, null), null);
  assert.match(mismatch({ type: "literal", value: "a" }, "b"), /does not match literal validator `v\.literal\("a"\)`/);
  assert.equal(tableOf("00012_storage"), "_storage");
});

test("an archive holds what was put into it", () => {
  const entries = [
    ["a/documents.jsonl", Buffer.from("{}\n".repeat(1000))],
    ["_storage/ü", Buffer.from([0, 255, 0])],
    ["empty", Buffer.alloc(0)],
  ];
  assert.deepEqual([...unzip(zip(entries))], entries);
  assert.throws(() => unzip(Buffer.from("no archive")), /not a ZIP archive/);
});
