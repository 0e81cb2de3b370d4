import { parking, type WaitRequest } from "../parking/index.ts";
import type { QueueCore, Taken } from "./queue-core.ts";
import type { Item } from "./queue-item.ts";
import type { Waiters } from "./waiters.ts";

/** A thread keeps at most about this many bytes for one queue before its `put` waits. */
export const MAX_BUFFERED_BYTES: number = 64 * 1024 * 1024;

/** The request for the next item. */
export function takeRequest(core: QueueCore): WaitRequest<Exclude<Taken, undefined>> {
  const { items, ring, receiver } = core;
  const isThereMore = (): boolean => !ring.isEmpty;
  return {
    cells: [items.cell],
    group: items,
    attempt: () => core.take(),
    arm() {
      items.announce();
      if (ring.isEmpty) return !core.isEnded;
      return receiver.arm();
    },
    holder: () => (ring.isEmpty ? 0 : receiver.owner),
    recover: () => receiver.recover(),
    passOn: () => items.passOn(isThereMore),
    suspend: () => items.passOn(isThereMore),
    leave: () => leave(items, isThereMore),
  };
}

/** The request that an item is stored, refused, or buffered by a queue without a limit. */
export function putRequest(core: QueueCore, item: Item): WaitRequest<true> {
  return {
    ...spaceRequest(core),
    group: core.space,
    attempt() {
      flush(core);
      if (item.state !== "waiting") return true;
      if (core.ring.maxSize > 0 || core.outbox.bytes > MAX_BUFFERED_BYTES) return undefined;
      core.buffer(item);
      return true;
    },
    leave() {
      // Before anyone else looks: what was given up must not be stored.
      core.withdraw(item, "withdrawn");
      leave(core.space, () => core.ring.hasRoom);
    },
  };
}

/** The request that something of what is buffered in this thread is stored. */
export function progressRequest(core: QueueCore): WaitRequest<true> {
  const { outbox } = core;
  const { buffered } = outbox;
  return {
    ...spaceRequest(core),
    group: {},
    attempt() {
      flush(core);
      return outbox.buffered === 0 || outbox.buffered < buffered ? true : undefined;
    },
  };
}

/** The request that nothing is buffered in this thread, which sees to that itself: only its tasks wait for it. */
export function flushRequest(core: QueueCore): WaitRequest<true> {
  return {
    cells: [],
    group: core.outbox,
    attempt() {
      flush(core);
      return core.outbox.buffered === 0 ? true : undefined;
    },
    arm: () => true,
    holder: () => 0,
  };
}

/** The request that every item is done. */
export function doneRequest(core: QueueCore): WaitRequest<true> {
  const { done } = core;
  return {
    cells: [done.cell],
    group: done,
    attempt: () => (core.unfinished === 0 ? true : undefined),
    arm() {
      done.announce();
      return core.unfinished !== 0;
    },
    holder: () => 0,
    passOn: () => done.passOn(() => core.unfinished === 0),
    suspend: () => done.passOn(() => core.unfinished === 0),
    leave: () => leave(done, () => core.unfinished === 0),
  };
}

function spaceRequest(core: QueueCore): Omit<WaitRequest<true>, "attempt" | "group"> {
  const { space, sender, ring } = core;
  const isThereMore = (): boolean => ring.hasRoom;
  return {
    cells: [space.cell],
    arm() {
      space.announce();
      if (core.isMemoryShort || !core.canFlush) return true;
      return sender.arm();
    },
    holder: () => (core.canFlush ? sender.owner : 0),
    recover: () => sender.recover(),
    passOn: () => space.passOn(isThereMore),
    suspend: () => space.passOn(isThereMore),
    leave: () => leave(space, isThereMore),
  };
}

function flush(core: QueueCore): void {
  if (core.canFlush) core.flush();
}

function leave(waiters: Waiters, isThereMore: () => boolean): void {
  // Other waits of this thread look for themselves.
  if (waiters.cell.waits > 0) parking().scanSoon();
  waiters.passOn(isThereMore);
}
