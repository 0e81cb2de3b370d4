import { boundWait } from "../util/bound-wait.ts";
import { setTimer } from "../util/timer.ts";
import type { Socket } from "node:net";
import { setWaiting } from "../thread/status-word.ts";
import { faultPoint } from "../util/fault-point.ts";
import { currentContext } from "./context.ts";
import { DeadlockWatch } from "./deadlock.ts";
import { noteEvidence } from "./evidence.ts";
import { checkedTimeout, type ParkOptions } from "./park-options.ts";
import { participant, type Participant } from "./participant.ts";
import { settleCell } from "./shared-object.ts";
import { generationIn, slotOf } from "./token.ts";
import { eraseWait, noteWait, setWaiterBit } from "./wait-records.ts";
import { wake, type Waker } from "./wake.ts";
import type { WaitRequest } from "./wait-request.ts";
import {
  clearInterval,
  clearTimeout,
  performance,
  queueMicrotask,
  setInterval,
} from "../util/platform.ts";

/** A wait this long asks to be handed what it waits for; until then whoever comes first is served. */
const STARVING_MS = 5;
/** A wait that is likely to be short is not worth a sleep: how often to look before. About 5 µs. */
const SPINS = 200;

/**
 * The longest sleep. Everything that wakes is a hint: whoever was missed by the dead looks again after this.
 * Also the longest time for which a thread cannot be terminated.
 */
const SLICE_MS = 100;

/** The length of a slice; tests make it long, to see that nothing relies on it. */
function sliceLength(): number {
  const given = Number(process.env["MANYCORE_SLICE_MS"]);
  return given > 0 ? given : SLICE_MS;
}

interface AsyncWait {
  readonly request: WaitRequest<{}>;
  readonly note: DeadlockWatch;
  readonly records: number[];
  readonly begun: number;
  readonly settle: (value: {} | undefined) => true;
  /** With a last look, unless the request itself is what failed. */
  readonly fail: (error: unknown, looksAgain?: boolean) => void;
  /** A timer ends it when its time is up. */
  readonly isTimed: boolean;
  /** Rings when the request falls due by itself. */
  alarm: NodeJS.Timeout | undefined;
}

/**
 * All waits of this thread: one that sleeps with the thread, any number that wait in the event loop.
 *
 * As in WebKit's `ParkingLot` the queue of those who sleep is apart from the state they wait for; here it is a set of
 * bits in shared memory, and each sleeper's doorbell.
 */
export class ParkingLot implements Waker {
  readonly participant: Participant;
  readonly slot: number;
  readonly #groups = new Map<object, Set<AsyncWait>>();
  readonly #slice = sliceLength();
  #isScanDue = false;
  #pending = 0;
  #ticker: NodeJS.Timeout | undefined;
  #wasShort = true;

  constructor() {
    this.participant = participant();
    this.slot = this.participant.slot;
  }

  get bells(): Participant["bells"] {
    return this.participant.bells;
  }

  prepare(): void {
    this.#listen();
  }

  scanSoon(): void {
    if (this.#isScanDue) return;
    this.#isScanDue = true;
    queueMicrotask(() => this.#scan());
  }

  sync<T extends {}>(request: WaitRequest<T>, options: ParkOptions | undefined): T | undefined {
    const timeout = checkedTimeout(options);
    if (timeout === 0) return tryOnce(request);
    const begun = performance.now();
    if (this.#wasShort) {
      for (let i = 0; i < SPINS; i++) {
        const value = request.attempt();
        if (value !== undefined) return value;
      }
    }
    const watch = new DeadlockWatch(this.participant, request, true, undefined, options);
    this.#suspend();
    const records = this.#signUp(request, watch);
    let value: T | undefined;
    setWaiting(true);
    try {
      value = this.#sleepUntil(request, watch, begun, timeout);
      return value;
    } finally {
      setWaiting(false);
      this.#wasShort = performance.now() - begun < 1;
      this.#signOff(request, records, value !== undefined);
      this.#resume();
    }
  }

  async<T extends {}>(
    request: WaitRequest<T>,
    options: ParkOptions | undefined,
  ): Promise<T | undefined> {
    const timeout = checkedTimeout(options);
    if (timeout === 0) return Promise.resolve(tryOnce(request));
    const isBehind = this.#isStarved(request.group);
    const value = isBehind ? undefined : request.attempt();
    if (value !== undefined) return Promise.resolve(value);
    const context = options?.context ?? currentContext();
    const watch = new DeadlockWatch(this.participant, request, false, context, options);
    const promise = this.#wait(request, watch, timeout, options?.signal, isBehind);
    return watch.wantsEvidence ? watch.lookForAwait(promise) : promise;
  }

  #wait<T extends {}>(
    request: WaitRequest<T>,
    watch: DeadlockWatch,
    timeout: number,
    signal: AbortSignal | undefined,
    isBehind: boolean,
  ): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      // First, for it may fail: nothing is announced then.
      this.#listen();
      const begun = performance.now();
      let unbind = (): void => {};
      const end = (isFulfilled: boolean): void => {
        clearTimeout(wait.alarm);
        unbind();
        this.#remove(wait, isFulfilled);
      };
      const leave = (report: () => void): void => {
        // A last look: what was handed over or set meanwhile is not lost on the way out.
        const last = request.attempt();
        end(last !== undefined);
        if (last !== undefined) resolve(last);
        else report();
      };
      const wait: AsyncWait = {
        request,
        note: watch,
        records: this.#signUp(request, watch),
        begun,
        settle: (taken) => {
          end(true);
          resolve(taken as T);
          return true;
        },
        fail: (error, looksAgain = true) => {
          if (looksAgain) return leave(() => reject(error));
          end(false);
          reject(error);
        },
        isTimed: timeout !== Infinity,
        alarm: undefined,
      };
      this.#add(wait);
      const onTimeout = (): void => leave(() => resolve(undefined));
      unbind = boundWait(timeout, signal, onTimeout, wait.fail);
      if (!isBehind) this.#try(wait);
    });
  }

  #sleepUntil<T extends {}>(
    request: WaitRequest<T>,
    watch: DeadlockWatch,
    begun: number,
    timeout: number,
  ): T | undefined {
    for (;;) {
      const value = request.attempt();
      if (value !== undefined) return value;
      const elapsed = performance.now() - begun;
      if (elapsed > STARVING_MS) request.starve?.();
      if (!request.arm()) continue;
      const left = timeout - elapsed;
      if (left <= 0) return request.attempt();
      watch.check(elapsed);
      if (request.recover?.() === true) continue;
      const due = request.due?.() ?? Infinity;
      const slice = Math.ceil(Math.min(left, due, this.#slice));
      faultPoint("wait:asleep");
      if (this.participant.sleep(this.#lifeOf(request.holder()), slice)) faultPoint("wait:rung");
      else this.#announce(request);
    }
  }

  /** Sets the bits again: a dead predecessor's may have been cleared a moment after this thread set its own. */
  #announce(request: WaitRequest<{}>): void {
    for (const cell of request.cells) setWaiterBit(cell, this.slot, true);
  }

  /**
   * This thread is about to sleep: what its tasks wait for must not be left to them meanwhile, and what
   * they were just woken for goes to others.
   */
  #suspend(): void {
    for (const { request } of this.#waits()) {
      for (const cell of request.cells) {
        if (--cell.waits === 0) setWaiterBit(cell, this.slot, false);
      }
      if (request.suspend !== undefined) request.suspend();
      else for (const cell of request.cells) wake(cell, this, 1);
    }
  }

  #resume(): void {
    if (this.#pending === 0) return;
    for (const { request } of this.#waits()) {
      for (const cell of request.cells) {
        if (cell.waits++ === 0) setWaiterBit(cell, this.slot, true);
      }
    }
    this.scanSoon();
  }

  *#waits(): Iterable<AsyncWait> {
    for (const group of this.#groups.values()) yield* group;
  }

  /** A descriptor that reports the holder's death while we sleep. */
  #lifeOf(token: number): number {
    const slot = slotOf(token);
    if (slot < 0 || slot === this.slot) return -1;
    return this.bells.open(slot, generationIn(token)) ?? -1;
  }

  #signUp(request: WaitRequest<{}>, watch: DeadlockWatch): number[] {
    const records: number[] = [];
    for (const cell of request.cells) {
      if (cell.waits++ === 0) setWaiterBit(cell, this.slot, true);
      records.push(noteWait(this.participant.place, cell, watch.note));
    }
    watch.notedIn(records);
    return records;
  }

  #signOff(request: WaitRequest<{}>, records: number[], isFulfilled: boolean): void {
    for (const record of records) eraseWait(this.participant.place, record);
    for (const cell of request.cells) {
      if (--cell.waits === 0) setWaiterBit(cell, this.slot, false);
    }
    if (isFulfilled) request.passOn?.();
    else request.leave?.();
    for (const cell of request.cells) settleCell(cell);
  }

  #add(wait: AsyncWait): void {
    let group = this.#groups.get(wait.request.group);
    if (group === undefined) {
      group = new Set();
      this.#groups.set(wait.request.group, group);
    }
    group.add(wait);
    if (this.#pending++ === 0) {
      this.#listen().ref();
      this.#ticker = setInterval(() => this.#tick(), this.#slice);
    }
  }

  #remove(wait: AsyncWait, isFulfilled: boolean): void {
    const group = this.#groups.get(wait.request.group);
    if (group?.delete(wait) !== true) return;
    if (group.size === 0) this.#groups.delete(wait.request.group);
    if (--this.#pending === 0) {
      this.#listen().unref();
      clearInterval(this.#ticker);
    }
    this.#signOff(wait.request, wait.records, isFulfilled);
  }

  #listen(): Socket {
    return this.participant.listen(() => this.#scan());
  }

  /** Whether a wait of this group has waited so long that newcomers queue up behind it. */
  #isStarved(group: object): boolean {
    for (const wait of this.#groups.get(group) ?? []) {
      return performance.now() - wait.begun > STARVING_MS;
    }
    return false;
  }

  /** Serves one wait, or announces it. A request that throws fails its own wait, and holds up none of the others. */
  #try(wait: AsyncWait): boolean {
    try {
      for (;;) {
        const value = wait.request.attempt();
        if (value !== undefined) return wait.settle(value);
        if (wait.request.arm()) break;
      }
    } catch (error) {
      wait.fail(error, false);
      return true;
    }
    this.#setAlarm(wait);
    return false;
  }

  #setAlarm(wait: AsyncWait): void {
    const due = wait.request.due?.();
    if (due === undefined) return;
    clearTimeout(wait.alarm);
    wait.alarm = due === Infinity ? undefined : setTimer(() => this.#scan(), Math.ceil(due));
  }

  #scan(): void {
    this.#isScanDue = false;
    const now = performance.now();
    for (const group of this.#groups.values()) {
      for (const wait of group) {
        if (this.#try(wait)) continue;
        if (now - wait.begun > STARVING_MS) wait.request.starve?.();
        break;
      }
    }
  }

  #tick(): void {
    this.#scan();
    const now = performance.now();
    noteEvidence([...this.#waits()]);
    for (const wait of this.#waits()) {
      try {
        this.#announce(wait.request);
        if (wait.request.recover?.() === true && this.#try(wait)) continue;
        wait.note.check(now - wait.begun);
      } catch (error) {
        wait.fail(error);
      }
    }
  }
}

/** Without waiting, but not without taking over from the dead. */
function tryOnce<T extends {}>(request: WaitRequest<T>): T | undefined {
  return request.attempt() ?? (request.recover?.() === true ? request.attempt() : undefined);
}
