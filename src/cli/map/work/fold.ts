import { resolveTask } from "../../../task/index.ts";
import { isThenable } from "../../../util/thenable.ts";
import { fieldOf } from "./keys.ts";
import { valueToJson } from "./record-line.ts";
import type { ReduceSpec } from "./run-spec.ts";

/** Groups and what was folded so far, as JSON: `[[group, value], …]`; the one group of all is `null`. */
export type PartialJson = string;

type Combine = (a: unknown, b: unknown) => unknown;

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

  /**
   * Adds the value of one record.
   *
   * @throws TypeError when it has no such group.
   */
  add(value: unknown): void | Promise<void> {
    return this.#merge(this.#groupOf(value), value);
  }

  /** Adds what was folded elsewhere. */
  async addPartial(json: PartialJson): Promise<void> {
    for (const [group, value] of JSON.parse(json) as [unknown, unknown][]) {
      await this.#merge(group, value);
    }
  }

  toJson(): PartialJson {
    const pairs = [...this.#groups].map(
      ([group, value]) => `[${JSON.stringify(group)},${valueToJson(value)}]`,
    );
    return `[${pairs.join(",")}]`;
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

/** Folds what several blocks were folded to. Runs in a worker. */
export async function mergePartials(
  spec: ReduceSpec,
  partials: readonly PartialJson[],
): Promise<PartialJson> {
  const fold = await Fold.of(spec);
  for (const partial of partials) await fold.addPartial(partial);
  return fold.toJson();
}
