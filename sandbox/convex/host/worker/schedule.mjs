// When a cron job runs next. Pure: schedules and times in, a time out. All times are UTC, in milliseconds.

const UNITS = { seconds: 1000, minutes: 60_000, hours: 3_600_000 };
const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const LONGEST_SEARCH_MINUTES = 366 * 24 * 60 * 5;

/** The first time after `now`. An interval is counted from `last` (its last due time), the others from the calendar. */
export function nextRun(schedule, now, last = null) {
  if (schedule.type === "interval") {
    const unit = Object.keys(UNITS).find((name) => schedule[name] !== undefined);
    const step = schedule[unit] * UNITS[unit];
    if (last === null) return now; // the real server runs an interval job at once when it is first deployed
    return last + step > now ? last + step : now + step - ((now - last) % step);
  }
  const matches = schedule.type === "cron" ? cronMatcher(schedule.cron) : calendarMatcher(schedule);
  let minute = Math.floor(now / 60_000) + 1;
  for (const end = minute + LONGEST_SEARCH_MINUTES; minute < end;) {
    const date = new Date(minute * 60_000);
    if (!matches.day(date)) minute += 24 * 60 - date.getUTCHours() * 60 - date.getUTCMinutes();
    else if (!matches.hour(date)) minute += 60 - date.getUTCMinutes();
    else if (!matches.minute(date)) minute += 1;
    else return minute * 60_000;
  }
  return null; // 30 February
}

/** The reason why a schedule cannot be used, or null. */
export function scheduleError(schedule) {
  try {
    nextRun(schedule, 0);
    return null;
  } catch (error) {
    return error.message;
  }
}

function calendarMatcher({ type, minuteUTC = 0, hourUTC = 0, dayOfWeek, day }) {
  return {
    minute: (date) => date.getUTCMinutes() === minuteUTC,
    hour: (date) => type === "hourly" || date.getUTCHours() === hourUTC,
    day: (date) => {
      if (type === "weekly") return date.getUTCDay() === DAYS.indexOf(dayOfWeek.toLowerCase());
      return type !== "monthly" || date.getUTCDate() === day;
    },
  };
}

function cronMatcher(text) {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) throw new Error(`Invalid cron expression "${text}": it must have five fields`);
  const [minutes, hours, days, months, weekdays] = [
    fieldValues(fields[0], 0, 59),
    fieldValues(fields[1], 0, 23),
    fieldValues(fields[2], 1, 31),
    fieldValues(fields[3], 1, 12, MONTHS, 1),
    fieldValues(
      fields[4],
      0,
      7,
      DAYS.map((name) => name.slice(0, 3)),
    ),
  ];
  if (weekdays.has(7)) weekdays.add(0);
  const anyDay = fields[2] === "*";
  const anyWeekday = fields[4] === "*";
  return {
    minute: (date) => minutes.has(date.getUTCMinutes()),
    hour: (date) => hours.has(date.getUTCHours()),
    day: (date) => {
      if (!months.has(date.getUTCMonth() + 1)) return false;
      const inMonth = days.has(date.getUTCDate());
      const inWeek = weekdays.has(date.getUTCDay());
      return anyDay || anyWeekday ? inMonth && inWeek : inMonth || inWeek; // cron's old rule
    },
  };
}

function fieldValues(text, low, high, names = [], firstName = 0) {
  const numberOf = (word) => {
    const named = names.indexOf(word.toLowerCase());
    const number = named >= 0 ? named + firstName : Number(word);
    if (!Number.isInteger(number) || number < low || number > high) throw new Error(`Invalid cron field "${text}"`);
    return number;
  };
  const values = new Set();
  for (const part of text.split(",")) {
    const [range, step = "1"] = part.split("/");
    const [from, to] = range === "*" ? [low, high] : range.split("-").map(numberOf);
    const end = to ?? (part.includes("/") ? high : from);
    if (!(Number(step) > 0)) throw new Error(`Invalid cron field "${text}"`);
    for (let value = from; value <= end; value += Number(step)) values.add(value);
  }
  return values;
}
