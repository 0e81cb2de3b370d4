import type { Pool, PoolOptions } from "../../pool/index.ts";
import type { AnyTaskRef, Task } from "../../task/index.ts";
import type { Call } from "../call.ts";
import { checkIterable } from "./checks.ts";
import { type Grant, grantIterator } from "./iterator.ts";

/** Finds a function that a client named. */
export type FindTask = (named: unknown) => Promise<Function | AnyTaskRef>;

/** A pool of workers that belong to the server. */
export class ManagedPool {
  readonly #pool: Pool;
  readonly #find: FindTask;

  constructor(pool: Pool, find: FindTask) {
    this.#pool = pool;
    this.#find = find;
  }

  /** Makes one; the rooms below are loaded now. */
  static async make(options: PoolOptions<never[]>, find: FindTask): Promise<ManagedPool> {
    const { Pool } = await import("../../pool/index.ts");
    return new ManagedPool(new Pool(options), find);
  }

  async apply(call: Call, named: unknown, args: unknown = []): Promise<unknown> {
    const fn = await this.#task(named);
    const future = this.#pool.applyAsync(fn, args as unknown[]);
    const unwatch = call.watch(() => future.cancel());
    try {
      return await future;
    } finally {
      unwatch();
    }
  }

  async map(_call: Call, named: unknown, items: unknown, options?: object): Promise<unknown[]> {
    return this.#pool.map(await this.#task(named), checkIterable(items, "items"), options);
  }

  async starmap(_call: Call, named: unknown, items: unknown, options?: object): Promise<unknown[]> {
    const lists = checkIterable(items, "items") as Iterable<unknown[]>;
    return this.#pool.starmap(await this.#task(named), lists, options);
  }

  async imap(_call: Call, named: unknown, items: unknown, options?: object): Promise<Grant> {
    const fn = await this.#task(named);
    return grantIterator(this.#pool.imap(fn, checkIterable(items, "items"), options));
  }

  async imapUnordered(_call: Call, named: unknown, items: unknown, o?: object): Promise<Grant> {
    const fn = await this.#task(named);
    return grantIterator(this.#pool.imapUnordered(fn, checkIterable(items, "items"), o));
  }

  close(): void {
    this.#pool.close();
  }

  async join(): Promise<void> {
    await this.#pool.join();
  }

  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.terminate();
  }

  async #task(named: unknown): Promise<Task<unknown[], unknown>> {
    return (await this.#find(named)) as Task<unknown[], unknown>;
  }
}
