import { crypto } from "../../util/builtin.ts";
import { hasName, removeObject, type SegmentObject } from "../../shared/segment-object.ts";
import { ShareableList } from "../../shared/shareable-list.ts";
import { SharedMemory } from "../../shared/shared-memory.ts";
import type { ShareableItem } from "../../shared/list-item.ts";

/**
 * The shared memory that clients had made by a server, as Python's `_SharedMemoryTracker`: what keeps it while no
 * client has it open, and unlinks it at the server's end. There is one for each server.
 */
export class SharedMemoryTracker {
  #tracked: SegmentObject[] = [];

  sharedMemory(_call: unknown, size: number): SharedMemory {
    return this.#track(SharedMemory.create({ size }));
  }

  shareableList(_call: unknown, values: readonly ShareableItem[]): ShareableList {
    // No name is tried twice: 16 random digits.
    const name = `list-${crypto().randomBytes(8).toString("hex")}`;
    return this.#track(new ShareableList(values, { name }));
  }

  /** Ends all of it; those who have it open keep it until they close it. */
  removeAll(): void {
    const tracked = this.#tracked;
    this.#tracked = [];
    for (const object of tracked) {
      removeObject(object);
      object.close();
    }
  }

  #track<T extends SegmentObject>(object: T): T {
    // What a client has unlinked since ends with its last user, who is not to be this server.
    this.#tracked = this.#tracked.filter((one) => {
      const isKept = hasName(one);
      if (!isKept) one.close();
      return isKept;
    });
    this.#tracked.push(object);
    return object;
  }
}
