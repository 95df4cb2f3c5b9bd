import assert from "node:assert/strict";
import { test } from "node:test";

import { nextRun, scheduleError } from "../../../../sandbox/convex/host/worker/schedule.mjs";

const at = (text) => Date.parse(`${text}Z`);
const next = (schedule, now) => new Date(nextRun(schedule, at(now))).toISOString().slice(0, 16);

test("an interval runs at once when it is new, then on its own beat, also after a long sleep", () => {
  const schedule = { type: "interval", minutes: 10 };
  assert.equal(nextRun(schedule, 1000), 1000);
  assert.equal(nextRun(schedule, 5000, 1000), 601_000);
  assert.equal(nextRun(schedule, 1_500_000, 1000), 1_801_000);
});

test("calendar schedules are in UTC", () => {
  assert.equal(next({ type: "hourly", minuteUTC: 30 }, "2026-11-22T10:30:00"), "2026-11-22T11:30");
  assert.equal(next({ type: "daily", hourUTC: 3, minuteUTC: 5 }, "2026-11-22T03:05:00"), "2026-11-23T03:05");
  assert.equal(next({ type: "weekly", dayOfWeek: "monday", hourUTC: 1 }, "2026-11-22T10:00:00"), "2026-11-23T01:00");
  assert.equal(next({ type: "monthly", day: 31, hourUTC: 0 }, "2026-11-22T10:00:00"), "2026-12-31T00:00");
});

test("cron expressions: lists, ranges, steps, names, and either day field when both are given", () => {
  assert.equal(next({ type: "cron", cron: "*/20 8-17 * * mon-fri" }, "2026-11-20T17:41:00"), "2026-11-23T08:00");
  assert.equal(next({ type: "cron", cron: "0 0 1 jan *" }, "2026-11-22T00:00:00"), "2027-01-01T00:00");
  assert.equal(next({ type: "cron", cron: "0 12 13 * 5" }, "2026-11-22T00:00:00"), "2026-11-27T12:00");
  assert.equal(next({ type: "cron", cron: "0 0 * * 7" }, "2026-11-22T00:00:00"), "2026-11-29T00:00");
});

test("what never comes has no next run, and what is no schedule says so", () => {
  assert.equal(nextRun({ type: "cron", cron: "0 0 30 2 *" }, at("2026-11-22T00:00:00")), null);
  assert.match(scheduleError({ type: "cron", cron: "61 * * * *" }), /Invalid cron field/);
  assert.match(scheduleError({ type: "cron", cron: "* * *" }), /five fields/);
});
