import { closeSync, constants, openSync, readSync, rmSync } from "node:fs";
import { basename } from "node:path";
import type { OnReadOpts, Socket, SocketConstructorOpts } from "node:net";
import { threadId } from "node:worker_threads";
import { InvalidStateError, TimeoutError } from "../errors/index.ts";
import {
  Arena,
  errnoOf,
  explainFileError,
  GENERATION_MASK,
  HEADER,
  onSharedFile,
  SLOT,
  SLOT_COUNT,
  SLOT_FREE,
  SLOT_LIVE,
  SLOT_NAME_SIZE,
  type Place,
} from "../memory/index.ts";
import { os } from "../os/index.ts";
import { net } from "../util/builtin.ts";
import { currentProcess } from "../process/index.ts";
import { currentThread } from "../thread/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { unstoppable } from "../util/stop-guard.ts";
import { bellPath, Doorbells } from "./doorbells.ts";
import type { LocalCell } from "./local-cell.ts";
import { tidy, tidyAgain } from "./tidy.ts";
import { sweepDead, sweepSlots, usedSlots } from "./sweep.ts";
import { tokenOf } from "./token.ts";
import { Date } from "../util/platform.ts";

const BELL_BUFFER = 512;
/** How long one who leaves stands before a lock that nobody takes: a stopped process has it. */
const LEAVE_PATIENCE_MS = 1_000;

/** This JS thread, as the others of its namespace know it: a slot, a token, a doorbell. */
export class Participant {
  readonly arena: Arena;
  readonly bells: Doorbells;
  readonly slot: number;
  readonly generation: number;
  /** What it writes into words that it owns. */
  readonly token: number;
  readonly place: Place;
  /** The cells this thread has open. */
  readonly cells: Map<number, LocalCell> = new Map();
  /** The reading end of the doorbell. Node closes it when this thread ends, which is what tells the others. */
  readonly #bell: number;
  readonly #buffer = new Uint8Array(BELL_BUFFER);
  #socket: Socket | undefined;
  #onRing: () => void = () => {};

  constructor(arena: Arena) {
    this.arena = arena;
    this.bells = new Doorbells(arena);
    const { slot, generation, bell } = arena.exclusively(() => {
      // With the lock: `manycore clean` removes an arena that nobody uses.
      arena.checkInPlace();
      return this.#register();
    });
    this.slot = slot;
    this.generation = generation;
    this.#bell = bell;
    this.token = tokenOf(slot, generation);
    this.place = arena.slot(slot);
    process.on("exit", () => this.#leave());
  }

  /**
   * Sleeps until the doorbell rings, the reader of `life` dies, or the time is up.
   * @param timeout - whole milliseconds, a slice.
   * @returns whether the doorbell rang.
   */
  sleep(life: number, timeout: number): boolean {
    const { readable } = os().poll(this.#bell, life, timeout);
    // One read is enough: what is left wakes the next sleep, and costs it one more look at the words.
    if (readable) readSync(this.#bell, this.#buffer, 0, BELL_BUFFER, null);
    return readable;
  }

  /**
   * Calls back from the event loop whenever the doorbell rings, from now on.
   * The loop is held open only between `ref` and `unref`.
   */
  listen(onRing: () => void): Socket {
    this.#onRing = onRing;
    if (this.#socket === undefined) {
      const options: SocketConstructorOpts & { onread: OnReadOpts } = {
        readable: true,
        writable: false,
        onread: {
          buffer: this.#buffer,
          callback: () => {
            this.#onRing();
            return true;
          },
        },
      };
      // A descriptor of its own: the socket closes it, and Node closes the one it knows as a file. A thread that
      // is terminated between the two would leave a reader, and seem alive.
      const socket = unstoppable(() => {
        const { Socket: BellSocket } = net();
        const path = bellPath(this.arena.folder, this.slot, this.generation);
        return new BellSocket({
          ...options,
          fd: onSharedFile(path, () => os().duplicate(this.#bell)),
        });
      });
      // Without a reader of rings the slices remain: waits go on, a little later.
      socket.on("error", () => {});
      socket.unref();
      this.#socket = socket;
    }
    return this.#socket;
  }

  #register(): { slot: number; generation: number; bell: number } {
    tidy(this.arena, this.bells);
    const slot = this.#freeSlot();
    const place = this.arena.slot(slot);
    const { ints, base } = place;
    const generation = ((Atomics.load(ints, base + SLOT.word) >>> 2) + 1) & GENERATION_MASK;
    const path = bellPath(this.arena.folder, slot, generation);
    onSharedFile(path, () => {
      rmSync(path, { force: true });
      os().makeFifo(path);
    });
    faultPoint("register:bell-made");
    let bell: number;
    try {
      // Both ends: its own writing end keeps the bell from reporting an end when nobody else has it open.
      bell = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    } catch (error) {
      rmSync(path, { force: true });
      throw explainFileError(error, path);
    }
    try {
      this.#introduce(place);
      faultPoint("register:introduced");
      Atomics.store(ints, base + SLOT.word, (generation << 2) | SLOT_LIVE);
      faultPoint("register:slot-taken");
    } catch (error) {
      closeSync(bell);
      throw error;
    }
    if (slot >= usedSlots(this.arena)) Atomics.store(this.arena.header, HEADER.slotsUsed, slot + 1);
    return { slot, generation, bell };
  }

  #freeSlot(): number {
    for (const sweepAll of [false, true]) {
      if (sweepAll && sweepDead(this.arena, this.bells) === 0) break;
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        if ((this.arena.slotWord(slot) & 3) === SLOT_FREE) return slot;
      }
    }
    throw new InvalidStateError(
      `The namespace ${this.arena.folder} has ${SLOT_COUNT} threads that use shared objects, and there is no room for more. End some, or spread programs over namespaces with MANYCORE_NAMESPACE.`,
    );
  }

  /** Says who this is, for those who look on. */
  #introduce({ ints, floats, bytes, base }: Place): void {
    ints.fill(0, base + 1, base + SLOT.waits + 96);
    ints[base + SLOT.pid] = process.pid;
    ints[base + SLOT.tid] = threadId;
    floats[(base + SLOT.started) / 2] = Date.now();
    const name = new TextEncoder().encode(participantName()).subarray(0, SLOT_NAME_SIZE);
    ints[base + SLOT.nameLength] = name.length;
    bytes.set(name, (base + SLOT.name) * 4);
  }

  /** A clean end: nothing of this thread stays. */
  #leave(): void {
    try {
      this.arena.exclusively(() => this.#withdraw(), LEAVE_PATIENCE_MS);
      tidyAgain(this.arena, this.bells);
    } catch (error) {
      if (!isHindrance(error)) throw error;
      this.#leaveAsDead();
    }
  }

  /** Call it exclusively. */
  #withdraw(): void {
    // Removed, or replaced by another that is not ours to tidy; or this one was swept as a dead one.
    const isOwn = this.arena.slotWord(this.slot) === ((this.generation << 2) | SLOT_LIVE);
    if (!isOwn || !this.arena.isInPlace) return;
    sweepSlots(this.arena, this.bells, [this.slot], this.cells.keys());
    tidy(this.arena, this.bells);
  }

  /**
   * Leaves what it has to others, as one who was killed: the lock's holder is stopped, and the end of this program
   * does not wait for it.
   *
   * The holder may have looked at this participant already, and seen that it lives: the mark makes it look again.
   */
  #leaveAsDead(): void {
    this.#socket?.destroy();
    closeSync(this.#bell);
    faultPoint("leave:bell-closed");
    Atomics.store(this.arena.header, HEADER.untidy, 1);
    faultPoint("leave:marked");
    try {
      // Who let go of it before the mark does not look again.
      this.arena.exclusively(() => this.#withdraw(), 0);
      tidyAgain(this.arena, this.bells);
    } catch (error) {
      if (!isHindrance(error)) throw error;
    }
  }
}

/**
 * What a program does not fail of at its end, since others mend it: a stopped process has the lock, or the system
 * has no files for it any more.
 */
function isHindrance(error: unknown): boolean {
  return error instanceof TimeoutError || errnoOf(error) !== undefined;
}

/**
 * `Process-2`, with the thread where it is not the main one: `Process-2/Thread-1`. Every program's own
 * process is called MainProcess, so among programs its script stands for it: `report.ts`.
 */
function participantName(): string {
  const thread = currentThread().name;
  const self = currentProcess();
  const script = process.argv[1];
  const name = self.parent === null && script !== undefined ? basename(script) : self.name;
  return thread === "MainThread" ? name : `${name}/${thread}`;
}

let instance: Participant | undefined;

/** This thread's place among the participants of its namespace; takes it on first use. */
export function participant(): Participant {
  instance ??= join();
  return instance;
}

/** `manycore clean` may remove an arena that nobody uses between our opening it and our joining it. */
const MAX_TRIES = 5;

/** Kept by a try that failed for the next one: it cannot be closed as a whole. */
let arena: Arena | undefined;

function join(): Participant {
  for (let tries = 1; ; tries++) {
    try {
      if (arena?.isInPlace === false) arena = undefined;
      arena ??= new Arena();
      return new Participant(arena);
    } catch (error) {
      const wasRemoved = arena === undefined ? errnoOf(error) === "ENOENT" : !arena.isInPlace;
      if (!wasRemoved || tries === MAX_TRIES) throw error;
    }
  }
}
