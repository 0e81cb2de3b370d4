import { resolveTask } from "../../task/resolve.ts";
import { parseIdentity } from "./parse-identity.ts";
import { SerializationError } from "../../errors/index.ts";

/** A function this worker has been told of. */
export interface TableEntry {
  /** The function once its module is loaded; until then a promise, afterwards maybe its failure. */
  target: ((...args: unknown[]) => unknown) | Promise<(...args: unknown[]) => unknown>;
  /** Longest recent run in microseconds; decides whether a start is worth a message of its own. */
  slowestMicros: number;
}

/**
 * Runs below this are not announced: the message, for which the executor has to wake, would cost a good part
 * of the task.
 */
const TINY_MICROS = 1000;

/**
 * The functions of one worker by the numbers its executor uses for them.
 *
 * A module is imported by the first task that needs it, after that task was claimed: so a module that
 * ends its worker has a task to answer for it, and does not go from worker to worker.
 */
export class FunctionTable {
  /** Identities that nobody has asked for, as they came. */
  readonly #defined: Map<number, string> = new Map();
  readonly #entries: Map<number, TableEntry> = new Map();

  /** Remembers what a number stands for. */
  define(id: number, json: string): void {
    this.#defined.set(id, json);
  }

  /** The function of that number; the first time it begins to load. */
  get(id: number): TableEntry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    const json = this.#defined.get(id);
    if (json === undefined) throw new SerializationError(`No function has the number ${id}.`);
    this.#defined.delete(id);
    const loaded = load(json);
    this.#entries.set(id, loaded);
    return loaded;
  }
}

/** True when the function has been quick of late, so that its start goes unreported. */
export function isTiny(entry: TableEntry): boolean {
  return entry.slowestMicros < TINY_MICROS;
}

/** Takes one run into account: slow ones count at once, quick ones bit by bit. */
export function noteRun(entry: TableEntry, micros: number): void {
  entry.slowestMicros =
    micros > entry.slowestMicros ? micros : entry.slowestMicros * 0.8 + micros * 0.2;
}

function load(json: string): TableEntry {
  const target = resolve(json);
  const entry: TableEntry = { target, slowestMicros: TINY_MICROS };
  if (target instanceof Promise) {
    target.then(
      (fn) => {
        entry.target = fn;
      },
      // Each task that needs it awaits the promise and fails with this; nobody else has to hear it.
      () => {},
    );
  }
  return entry;
}

function resolve(json: string): TableEntry["target"] {
  try {
    return resolveTask(parseIdentity(json)) as TableEntry["target"];
  } catch (error) {
    return Promise.reject(error);
  }
}
