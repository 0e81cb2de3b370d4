import { globalSlot } from "../util/global-slot.ts";
import { isThenable } from "../util/thenable.ts";

interface Slot {
  /** `process.exit` as it was; `undefined` where the command is another process or thread. */
  exit: ((code: number) => never) | undefined;
  isTrapped: boolean;
  /** Fails the record that runs in the process of the command. */
  fail: ((error: unknown) => void) | undefined;
}

// The command and what runs in workers are bundles of their own, so each has a copy of this module.
const slot: Slot = globalSlot("cli-command-process", () => ({
  exit: undefined,
  isTrapped: false,
  fail: undefined,
}));

/**
 * Makes this process the one of the command.
 *
 * @param onError - called with every error that nobody catches, unless a record is to blame for it.
 */
export function beginCommand(onError: (error: unknown, isOfFunction: boolean) => void): void {
  slot.exit = process.exit.bind(process);
  const stray = (error: unknown): void => {
    if (slot.fail === undefined) onError(error, slot.isTrapped);
    else slot.fail(error);
  };
  process.on("uncaughtException", stray);
  process.on("unhandledRejection", stray);
}

/** Ends the command, whatever `process.exit` has become. */
export function endCommand(code: number): never {
  if (slot.exit !== undefined) return slot.exit(code);
  return process.exit(code);
}

/**
 * Keeps functions that run in the process of the command (`--backend inline`) from ending it: `process.exit`
 * throws from now on. Does nothing in a worker of its own.
 */
export function trapExit(): void {
  if (slot.exit === undefined || slot.isTrapped) return;
  slot.isTrapped = true;
  process.exit = (code) => {
    const error = new Error(`process.exit(${code ?? ""}) was called`);
    // Whoever catches everything must not catch this.
    slot.fail?.(error);
    throw error;
  };
}

/**
 * Makes a function fail where it would end the command: by `process.exit`, or by an error that it throws or
 * rejects with somewhere beside its result. In a worker of its own it stays as it is: there the worker ends.
 */
export function guarded<A extends unknown[]>(
  call: (...args: A) => unknown,
): (...args: A) => unknown {
  return slot.exit === undefined ? call : (...args) => runGuarded(() => call(...args));
}

function runGuarded(call: () => unknown): unknown {
  let failure: { readonly error: unknown } | undefined;
  let reject: ((error: unknown) => void) | undefined;
  slot.fail = (error) => {
    failure ??= { error };
    reject?.(error);
  };
  let returned: unknown;
  try {
    returned = call();
  } finally {
    if (!isThenable(returned)) slot.fail = undefined;
  }
  if (!isThenable(returned)) {
    if (failure !== undefined) throw failure.error;
    return returned;
  }
  return new Promise((resolve, fail) => {
    reject = fail;
    if (failure !== undefined) fail(failure.error);
    Promise.resolve(returned).then(resolve, fail);
  }).finally(() => {
    slot.fail = undefined;
  });
}
