import { iterable, integer } from "../util/checks.ts";
import { encodeItem, type ShareableItem } from "../shared/list-item.ts";
import { checkBytes } from "../shared/segment-object.ts";
import type { ShareableList, SharedMemory } from "../shared/index.ts";
import type { SHARED_MEMORY_TRACKER } from "./built-in-methods.ts";
import { Manager } from "./manager.ts";
import type { ObjectProxy } from "./object-proxy.ts";

const checkSize = integer(1);

/**
 * A manager of shared memory: what is made through it exists until the manager ends, whether anybody has it
 * open or not, and is unlinked then. Python's `multiprocessing.managers.SharedMemoryManager`.
 *
 * The manager ends with `shutdown()` (or `await using`), and with the program that started it, be it killed by
 * SIGKILL. Those who have a block open at that time keep it until they close it; nobody else can open it any more.
 * The blocks are reached without the server: other programs of this user open them by `name`, and they travel as
 * arguments, in results and through channels.
 *
 * @example
 * await using manager = await SharedMemoryManager.start();
 * const memory = await manager.sharedMemory(1024);
 * const list = await manager.shareableList([1, "two", null]);
 * await pool.starmap(fill, [[memory, list]]);
 * @since 0.2.0
 */
export class SharedMemoryManager extends Manager {
  #tracker: Promise<ObjectProxy> | undefined;

  /**
   * Makes a block, with a name of its own.
   *
   * **Waiting**: for the server's answer.
   *
   * @param size - bytes, at least 1; all of them are 0.
   * @throws RangeError for a size that is not an integer of 1 or more, or longer than an ArrayBuffer can be.
   * @throws InvalidStateError when there is not enough memory, or the manager has ended.
   */
  async sharedMemory(size: number): Promise<SharedMemory> {
    checkSize(size, "size");
    checkBytes(size);
    return (await this.#track("sharedMemory", size)) as SharedMemory;
  }

  /**
   * Makes a list, with a name of its own.
   *
   * **Waiting**: for the server's answer.
   *
   * @param values - any iterable; another list is copied, with room for what it holds now.
   * @throws TypeError for a value that a list cannot hold.
   * @throws InvalidStateError when there is not enough memory, or the manager has ended.
   */
  async shareableList(values: Iterable<ShareableItem>): Promise<ShareableList> {
    iterable(values, "values");
    const items = [...values];
    for (const [at, value] of items.entries()) encodeItem(value, `values[${at}]`);
    return (await this.#track("shareableList", items)) as ShareableList;
  }

  async #track(
    method: (typeof SHARED_MEMORY_TRACKER)[number],
    given: number | readonly ShareableItem[],
  ): Promise<unknown> {
    const tracker = (this.#tracker ??= this.create("sharedMemoryTracker"));
    try {
      return (await tracker).$call(method, [given]);
    } catch (error) {
      this.#tracker = undefined;
      throw error;
    }
  }
}
