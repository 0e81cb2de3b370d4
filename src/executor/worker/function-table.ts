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

/** Runs below this are not announced: the message would cost more than the task. */
const TINY_MICROS = 200;

/** The functions of one worker by the numbers its executor uses for them. */
export class FunctionTable {
  readonly #entries: Map<number, TableEntry> = new Map();

  /** Remembers what a number stands for and begins to load it. */
  define(id: number, json: string): void {
    const identity = parseIdentity(json);
    const entry: TableEntry = { target: missing, slowestMicros: TINY_MICROS };
    const target = loading(() => resolveTask(identity)) as TableEntry["target"];
    entry.target = target;
    if (target instanceof Promise) {
      target.then(
        (fn) => {
          entry.target = fn;
        },
        // Each task that needs it awaits the promise and fails with this; nobody else has to hear it.
        () => {},
      );
    }
    this.#entries.set(id, entry);
  }

  get(id: number): TableEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new SerializationError(`No function has the number ${id}.`);
    return entry;
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

function loading(load: () => unknown): unknown {
  try {
    return load();
  } catch (error) {
    return Promise.reject(error);
  }
}

function missing(): never {
  throw new SerializationError("The function is not loaded yet.");
}
