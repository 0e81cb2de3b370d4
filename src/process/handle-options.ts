import { isClass, isTaskRef, type Task } from "../task/index.ts";
import type { StdioTarget } from "./spawn.ts";

/** Where the three standard streams go: one word for all, or one each for stdin, stdout, stderr. */
export type StdioOption = StdioTarget | readonly [StdioTarget, StdioTarget, StdioTarget];

/** What a Process and a Thread may both be told. */
export interface HandleOptions {
  /** Default: the class's name and a number: `Process-1`, in its own children `Process-1:2`. */
  readonly name?: string | undefined;
  /**
   * True: does not keep the starter's event loop open and is ended at the starter's exit. Whoever waits for it does
   * keep the loop open that long: by `join()`, and by reading `result`, also for a mere `result.catch(…)`; an error
   * that nobody asks for is printed, see {@link setThreadExceptHook}. A daemon process may not start processes, its
   * threads may run. Default: as the starter's own.
   */
  readonly daemon?: boolean | undefined;
  /** Environment; default: the starter's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Node options; default: the starter's, without those that name a program or a port. */
  readonly execArgv?: readonly string[] | undefined;
  /** Opens the inspector on 127.0.0.1: a port, or `true` for a free one. Default: no inspector. */
  readonly inspect?: boolean | number | undefined;
  /** Default: no stdin; stdout and stderr shared with the starter. */
  readonly stdio?: StdioOption | undefined;
  /** Aborted before the start: `start()` rejects. Aborted later: interrupt, then terminate a second after; `result` rejects with its reason at once. */
  readonly signal?: AbortSignal | undefined;
  /** Objects among the arguments that are moved instead of copied (ArrayBuffer; MessagePort to a thread). */
  readonly transfer?: readonly unknown[] | undefined;
}

/** The function to run with its arguments; a subclass that overrides `run()` gives none. */
export type TargetOptions<A extends unknown[], R> =
  | ({ readonly target: Task<A, R> } & ([] extends A
      ? { readonly args?: readonly [...NoInfer<A>] }
      : { readonly args: readonly [...NoInfer<A>] }))
  | { readonly target?: undefined; readonly args?: undefined };

/** The same without its types: what the inside works with. */
export interface Work {
  readonly target: Task<unknown[], unknown>;
  readonly args: readonly unknown[];
}

/** Options taken apart: what stays known, and what is let go of once it has been sent. */
export interface SplitOptions<S> {
  readonly settings: S;
  readonly work: Work | undefined;
  readonly transfer: readonly unknown[] | undefined;
}

/** Checks all options and takes them apart. */
export function splitOptions<S extends HandleOptions>(
  options: S & { readonly target?: unknown; readonly args?: unknown },
): SplitOptions<S> {
  checkOptions(options);
  const { target, args, transfer, ...settings } = options;
  return { settings: settings as unknown as S, work: workOf({ target, args }), transfer };
}

/** Reads `target` and `args`, refusing what cannot be meant. */
function workOf(options: { readonly target?: unknown; readonly args?: unknown }): Work | undefined {
  const { target, args } = options;
  if (args !== undefined && !Array.isArray(args)) {
    throw new TypeError(`Expected \`args\` to be an array, got ${typeof args}`);
  }
  if (target === undefined) return undefined;
  if (typeof target === "function" && isClass(target)) {
    throw new TypeError(
      `Expected \`target\` to be a function, got the class ${target.name}; wrap its construction in an exported function`,
    );
  }
  if (typeof target !== "function" && !isTaskRef(target)) {
    throw new TypeError(
      `Expected \`target\` to be a function or a reference from tasks(), got ${target === null ? "null" : typeof target}`,
    );
  }
  return { target: target as Work["target"], args: args ?? [] };
}

/** Checks the options both kinds share. */
function checkOptions(options: HandleOptions): void {
  const { name, daemon, inspect, stdio } = options;
  if (name !== undefined) checkName(name);
  if (daemon !== undefined) checkDaemon(daemon);
  if (
    typeof inspect === "number" &&
    !(Number.isInteger(inspect) && inspect >= 0 && inspect < 65536)
  ) {
    throw new RangeError(`Expected \`inspect\` to be a port from 0 to 65535, got ${inspect}`);
  }
  for (const target of stdioTriple(stdio)) {
    const known = target === "inherit" || target === "pipe" || target === "ignore";
    if (!known && !(Number.isInteger(target) && target >= 0)) {
      throw new TypeError(
        `Expected \`stdio\` to be "inherit", "pipe", "ignore" or a file descriptor, got ${String(target)}`,
      );
    }
  }
}

export function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(`Expected \`name\` to be a string, got ${typeof name}`);
  }
}

export function checkDaemon(daemon: unknown): asserts daemon is boolean {
  if (typeof daemon !== "boolean") {
    throw new TypeError(`Expected \`daemon\` to be true or false, got ${typeof daemon}`);
  }
}

/** One target for each stream. */
export function stdioTriple(
  stdio: StdioOption | undefined,
): readonly [StdioTarget, StdioTarget, StdioTarget] {
  if (stdio === undefined) return ["ignore", "inherit", "inherit"];
  if (typeof stdio !== "object") return [stdio, stdio, stdio];
  const { length } = stdio as readonly StdioTarget[];
  if (length !== 3) {
    throw new TypeError(
      `Expected \`stdio\` to have 3 entries (stdin, stdout, stderr), got ${length}`,
    );
  }
  return stdio;
}
