import { resolveTask } from "../../../task/index.ts";
import { isThenable } from "../../../util/thenable.ts";
import { decodeValue, encodeValue } from "../../../wire/codec.ts";
import { userStack } from "./user-stack.ts";
import { fieldOf } from "./keys.ts";
import { foldedToJson } from "./record-line.ts";
import type { FunctionName, ReduceSpec } from "./run-spec.ts";

/** Groups and what was folded so far: `[[group, value], …]` as values travel; the one group of all is `null`. */
export type Partial = Uint8Array;

type Combine = (a: unknown, b: unknown) => unknown;
type Pairs = readonly (readonly [group: unknown, value: unknown])[];

/** Folds values, group by group, with the user's function. */
export class Fold {
  readonly #combine: Combine;
  readonly #groupBy: string | undefined;
  readonly #groups = new Map<unknown, unknown>();

  constructor(combine: Combine, groupBy: string | undefined) {
    this.#combine = combine;
    this.#groupBy = groupBy;
  }

  static async of({ fold, groupBy }: ReduceSpec): Promise<Fold> {
    return new Fold((await resolveTask({ kind: "export", ...fold })) as Combine, groupBy);
  }

  /** Groups, and their values so far. */
  get pairs(): Pairs {
    return [...this.#groups];
  }

  /**
   * Adds the value of one record.
   *
   * @throws TypeError when it has no such group.
   */
  add(value: unknown): void | Promise<void> {
    return this.#merge(this.#groupOf(value), value);
  }

  /** Adds what was folded elsewhere. @throws Error that names the group for which the function fails. */
  async addPartial(partial: Partial): Promise<void> {
    for (const [group, value] of decodePairs(partial)) {
      try {
        await this.#merge(group, value);
      } catch (error) {
        throw foldError(group, this.#groupBy, error);
      }
    }
  }

  /** One value as a partial. @throws SerializationError when it cannot travel. */
  encoded(value: unknown): Partial {
    return encodePairs([[this.#groupOf(value), value]]);
  }

  /** @throws SerializationError when a value cannot travel. */
  encode(): Partial {
    return encodePairs(this.pairs);
  }

  #merge(group: unknown, value: unknown): void | Promise<void> {
    if (!this.#groups.has(group)) {
      this.#groups.set(group, value);
      return;
    }
    const folded = this.#combine(this.#groups.get(group), value);
    if (!isThenable(folded)) {
      this.#groups.set(group, folded);
      return;
    }
    return Promise.resolve(folded).then((settled) => {
      this.#groups.set(group, settled);
    });
  }

  #groupOf(value: unknown): unknown {
    if (this.#groupBy === undefined) return null;
    const group = fieldOf(value, this.#groupBy);
    if (typeof group === "string" || typeof group === "number" || typeof group === "boolean") {
      return group;
    }
    throw new TypeError(
      `The value has no field "${this.#groupBy}" of text, number or boolean to group it by`,
    );
  }
}

/** Folds what several blocks were folded to, in this order. Runs in a worker. */
export async function mergePartials(
  spec: ReduceSpec,
  module: FunctionName,
  partials: readonly Partial[],
): Promise<Partial> {
  // Classes that are registered there are met in the values.
  await resolveTask({ kind: "export", ...module });
  const fold = await Fold.of(spec);
  for (const partial of partials) await fold.addPartial(partial);
  return fold.encode();
}

/**
 * The lines of the result: one value, or one line for each group, sorted: numbers, then text. Runs in a worker.
 *
 * @throws Error that names the group whose value JSON cannot hold.
 */
export async function writePartial(
  { groupBy }: ReduceSpec,
  module: FunctionName,
  partial: Partial,
): Promise<Uint8Array> {
  await resolveTask({ kind: "export", ...module });
  const rows = [...decodePairs(partial)].sort(([a], [b]) => compareGroups(a, b));
  const lines = rows.map(([key, value]) => {
    try {
      return `${foldedToJson(groupBy === undefined ? value : { key, value })}\n`;
    } catch (error) {
      throw foldError(key, groupBy, error);
    }
  });
  return Buffer.from(lines.join(""));
}

const KINDS = ["number", "string", "boolean"];

function compareGroups(a: unknown, b: unknown): number {
  const kinds = KINDS.indexOf(typeof a) - KINDS.indexOf(typeof b);
  if (kinds !== 0) return kinds;
  if (typeof a === "number" && typeof b === "number") return Number.isNaN(a) ? 1 : a - b;
  return String(a) < String(b) ? -1 : Number(String(a) > String(b));
}

function foldError(group: unknown, groupBy: string | undefined, error: unknown): Error {
  const where = groupBy === undefined ? "on values" : `for the group ${JSON.stringify(group)}`;
  const stack = error instanceof Error ? userStack(error.stack ?? error.message) : String(error);
  return new Error(`The --reduce function failed ${where}: ${stack}`);
}

function encodePairs(pairs: Pairs): Partial {
  const { bytes, attachments } = encodeValue(pairs, { destination: "process", root: "value" });
  if (attachments !== undefined && attachments.length > 0) {
    throw new TypeError("The value to fold has something that only this worker can use");
  }
  return bytes;
}

function decodePairs(partial: Partial): Pairs {
  return decodeValue(partial, undefined) as Pairs;
}
