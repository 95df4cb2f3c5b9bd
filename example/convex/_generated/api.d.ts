/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as crons from "../crons.js";
import type * as errors from "../errors.js";
import type * as health from "../health.js";
import type * as http from "../http.js";
import type * as moderation from "../moderation.js";
import type * as seed from "../seed.js";
import type * as settings from "../settings.js";
import type * as stats from "../stats.js";
import type * as tallies from "../tallies.js";
import type * as vibes from "../vibes.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";

declare const fullApi: ApiFromModules<{
  crons: typeof crons;
  errors: typeof errors;
  health: typeof health;
  http: typeof http;
  moderation: typeof moderation;
  seed: typeof seed;
  settings: typeof settings;
  stats: typeof stats;
  tallies: typeof tallies;
  vibes: typeof vibes;
}>;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;

export declare const components: {};
