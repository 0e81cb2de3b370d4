import { checkTask, type Task } from "../task/index.ts";
import { badArgument, outOfRange, wrongType } from "../util/argument-error.ts";
import { abortSignal, array, boolean, type Check, integer, text } from "../util/checks.ts";
import { type AnyOptionTable, checkOptions, type OptionChecks } from "../util/option-table.ts";
import type { StdioTarget } from "./spawn.ts";
import { checkEnv, checkExecArgv } from "./start-checks.ts";

/** Targets of the three standard streams: one word for all, or one each for stdin, stdout, stderr. */
export type StdioOption = StdioTarget | readonly [StdioTarget, StdioTarget, StdioTarget];

/** Options of both Process and Thread. */
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

/** Checks all options and takes them apart. @throws TypeError or RangeError that quotes the option and the value. */
export function splitOptions<S extends HandleOptions>(
  options: S & { readonly target?: unknown; readonly args?: unknown },
  table: AnyOptionTable,
): SplitOptions<S> {
  checkOptions(options, table);
  const { target, args, transfer, ...settings } = options;
  return { settings: settings as unknown as S, work: workOf({ target, args }), transfer };
}

/** Reads `target` and `args`, which were checked. */
function workOf(options: { readonly target?: unknown; readonly args?: unknown }): Work | undefined {
  const { target, args = [] } = options;
  if (target !== undefined) return { target, args } as Work;
  if ((args as readonly unknown[]).length === 0) return undefined;
  throw badArgument("Expected a `target` with `args`: there is nothing to give them to");
}

const checkInspect: Check = (value, name) => {
  if (typeof value === "boolean") return;
  if (typeof value !== "number") throw wrongType(name, "true, false or a port", value);
  port(value, name);
};

const port = integer(0, 65_535);

const checkStdio: Check = (value, name) => {
  if (!Array.isArray(value)) {
    checkStdioTarget(value, name);
    return;
  }
  if (value.length !== 3) {
    throw outOfRange(name, "a list of 3 (stdin, stdout, stderr)", value);
  }
  for (const [at, target] of value.entries()) checkStdioTarget(target, `${name}[${at}]`);
};

function checkStdioTarget(target: unknown, name: string): void {
  const expected = '"inherit", "pipe", "ignore" or a file descriptor';
  if (target === "inherit" || target === "pipe" || target === "ignore") return;
  if (typeof target !== "string" && typeof target !== "number") {
    throw wrongType(name, expected, target);
  }
  const isDescriptor = Number.isInteger(target) && Number(target) >= 0 && Number(target) < 2 ** 31;
  if (!isDescriptor) throw outOfRange(name, expected, target);
}

/** The function and its arguments, among the options. */
interface TargetFields {
  readonly target?: unknown;
  readonly args?: unknown;
}

/** The checks of what both kinds share. */
export const HANDLE_CHECKS: OptionChecks<HandleOptions & TargetFields> = {
  target: checkTask,
  args: array,
  name: text,
  daemon: boolean,
  env: checkEnv,
  execArgv: checkExecArgv,
  inspect: checkInspect,
  stdio: checkStdio,
  signal: abortSignal,
  transfer: array,
};

/** Names of the same options elsewhere. */
export const HANDLE_SISTERS = {
  fn: "target",
  func: "target",
  argv: "args",
  arguments: "args",
  transferList: "transfer",
  abortSignal: "signal",
} as const;

export function checkName(name: unknown): asserts name is string {
  text(name, "name");
}

export function checkDaemon(daemon: unknown): asserts daemon is boolean {
  boolean(daemon, "daemon");
}

/** One target for each stream. */
export function stdioTriple(
  stdio: StdioOption | undefined,
): readonly [StdioTarget, StdioTarget, StdioTarget] {
  if (stdio === undefined) return ["ignore", "inherit", "inherit"];
  if (typeof stdio !== "object") return [stdio, stdio, stdio];
  return stdio;
}
