import type { ITERATOR, NameIn } from "../built-in-methods.ts";
import { callBuiltIn, type CallBuiltIn, ObjectProxy, proxiesOf } from "../object-proxy.ts";

const callIterator: CallBuiltIn<NameIn<typeof ITERATOR>> = callBuiltIn;

/**
 * An iterator in the server of a manager, one call for each item. Leaving a loop early ends it there, too.
 * @since 0.2.0
 */
export class IteratorProxy<T = unknown> extends ObjectProxy implements AsyncIterableIterator<T> {
  static {
    proxiesOf(IteratorProxy, "iterator");
  }

  #isSpent = false;

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#isSpent) return { done: true, value: undefined };
    try {
      const step = await callIterator<{ done: boolean; value: T }>(this, "next");
      if (!step.done) return { done: false, value: step.value };
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#end();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    if (!this.#isSpent) {
      this.#isSpent = true;
      await callIterator(this, "return");
      this[Symbol.dispose]();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#isSpent = true;
    this[Symbol.dispose]();
  }
}
