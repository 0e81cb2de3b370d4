import { createRequire } from "node:module";

/** Not named as what a CommonJS module has; see `scripts/bundle/to-commonjs.mjs`. */
const load = createRequire(import.meta.url);

/** `node:net`, loaded by the first one who needs a socket: importing the package must stay cheap. */
export function net(): typeof import("node:net") {
  return load("node:net") as typeof import("node:net");
}

/** `node:crypto`, loaded late. */
export function crypto(): typeof import("node:crypto") {
  return load("node:crypto") as typeof import("node:crypto");
}

/** `node:assert`, loaded late. */
export function assert(): typeof import("node:assert") {
  return load("node:assert") as typeof import("node:assert");
}

/** `node:child_process`, loaded by the first process that is started: many programs only use threads, or are workers. */
export function childProcess(): typeof import("node:child_process") {
  return load("node:child_process") as typeof import("node:child_process");
}

/** `node:perf_hooks`, loaded late. */
export function perfHooks(): typeof import("node:perf_hooks") {
  return load("node:perf_hooks") as typeof import("node:perf_hooks");
}
