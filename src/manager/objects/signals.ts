import { BrokenBarrierError, InvalidStateError } from "../../errors/index.ts";
import { type Call, type Caller, type CallEnd, type CallWait, waitInCall } from "../call.ts";
import { BroadcastWait, NOT_YET, WaitLine } from "../wait-line.ts";
import { checkInteger } from "./checks.ts";
import { type ConditionLock, ManagedRLock } from "./locks.ts";
import { setImmediate } from "../../util/platform.ts";

/** A counter of permits. */
export class ManagedSemaphore {
  #value: number;
  readonly #limit: number;
  readonly #line = new WaitLine();

  constructor(value: number, isBounded: boolean) {
    this.#value = checkInteger(value, "value", 0);
    this.#limit = isBounded ? this.#value : Infinity;
  }

  acquire(call: Call): boolean | Promise<boolean> {
    return this.#line.wait<boolean>(
      call,
      () => {
        if (this.#value === 0) return NOT_YET;
        this.#value--;
        // There may be more for those behind.
        this.#line.poke();
        return true;
      },
      () => false,
    );
  }

  release(_call: Call, n: unknown = 1): void {
    const count = checkInteger(n, "n", 1);
    if (this.#value + count > this.#limit) {
      throw new InvalidStateError(
        `The semaphore was released more often than acquired: it has ${this.#value} of ${this.#limit} permits.`,
      );
    }
    this.#value += count;
    this.#line.poke();
  }

  value(): number {
    return this.#value;
  }
}

/** A flag to wait for. */
export class ManagedEvent {
  #isSet = false;
  readonly #waiting = new BroadcastWait<boolean>();

  set(): void {
    this.#isSet = true;
    this.#waiting.resolveAll(true);
  }

  clear(): void {
    this.#isSet = false;
  }

  isSet(): boolean {
    return this.#isSet;
  }

  wait(call: Call): boolean | Promise<boolean> {
    return this.#isSet || this.#waiting.wait(call, () => false);
  }
}

/** A condition, whose lock is given up during a wait. */
export class ManagedCondition {
  readonly #lock: ConditionLock;
  /** Waits in the order in which they came, and after how many notifications each began. */
  readonly #waiters = new Map<CallWait<boolean>, number>();
  #clock = 0;

  constructor(lock: ConditionLock = new ManagedRLock()) {
    this.#lock = lock;
  }

  acquire(call: Call): boolean | Promise<boolean> {
    return this.#lock.acquire(call);
  }

  release(call: Call): void {
    this.#lock.release(call);
  }

  async wait(call: Call): Promise<boolean> {
    this.#lock.checkHeld(call);
    const times = this.#lock.letGo(call);
    try {
      return await this.#waitUnlocked(call);
    } finally {
      // Also for one who gave up, as its caller holds the lock around the wait; not for the dead.
      if (call.ended !== "gone") await this.#lock.takeBack(call, times);
    }
  }

  notify(call: Call, n: unknown = 1): void {
    this.#lock.checkHeld(call);
    this.#wake(checkInteger(n, "n", 0));
  }

  notifyAll(call: Call): void {
    this.#lock.checkHeld(call);
    this.#wake(Infinity);
  }

  clientGone(client: number): void {
    if (this.#lock instanceof ManagedRLock) this.#lock.clientGone(client);
  }

  #waitUnlocked(call: Call): boolean | Promise<boolean> {
    if (call.timeout <= 0) return false;
    const wait = waitInCall<boolean>(call, {
      onTimeout: () => false,
      onDone: (ended) => this.#waiters.delete(ended),
    });
    this.#waiters.set(wait, this.#clock);
    return wait.promise;
  }

  /** In a moment: by then it is known which of those who wait now have died. */
  #wake(n: number): void {
    const now = ++this.#clock;
    setImmediate(() => {
      let left = n;
      for (const [wait, since] of [...this.#waiters]) {
        if (since >= now || left-- <= 0) return;
        wait.resolve(true);
      }
    });
  }
}

/** A barrier of a number of parties. */
export class ManagedBarrier {
  readonly #parties: number;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number;
  #isBroken = false;
  #round = new BroadcastWait<void>();
  #arrived = 0;

  constructor(parties: number, action: (() => unknown) | undefined, timeout: number) {
    this.#parties = checkInteger(parties, "parties", 1);
    this.#action = action;
    this.#timeout = timeout;
  }

  async wait(call: Call): Promise<number> {
    if (this.#isBroken) throw broken("is broken: reset() it first");
    const index = this.#arrived++;
    const round = this.#round;
    if (this.#arrived === this.#parties) {
      await this.#open(round);
      return index;
    }
    const { ended, timeout } = call;
    const limited: Caller = {
      ended,
      timeout: timeout === Infinity ? this.#timeout : timeout,
      watch: (listener) => call.watch(listener),
    };
    const unwatch = call.watch((why: CallEnd) =>
      this.#break(round, why === "gone" ? "one of its parties died" : "one of its parties gave up"),
    );
    try {
      await round.wait(limited, () => {
        this.#break(round, `not all ${this.#parties} parties came in time`);
        throw broken(`broke: not all ${this.#parties} parties came in time`);
      });
    } finally {
      unwatch();
    }
    return index;
  }

  abort(): void {
    this.#break(this.#round, "abort() was called");
  }

  reset(): void {
    const round = this.#round;
    this.#next();
    this.#isBroken = false;
    round.rejectAll(() => broken("was reset"));
  }

  parties(): number {
    return this.#parties;
  }

  waiting(): number {
    return this.#isBroken ? 0 : this.#arrived;
  }

  broken(): boolean {
    return this.#isBroken;
  }

  async #open(round: BroadcastWait<void>): Promise<void> {
    try {
      await this.#action?.();
    } catch (error) {
      this.#break(round, "its action failed");
      throw error;
    }
    // Aborted or reset during the action.
    if (round !== this.#round || this.#isBroken) throw broken("broke during its action");
    this.#next();
    round.resolveAll();
  }

  #next(): void {
    this.#round = new BroadcastWait();
    this.#arrived = 0;
  }

  #break(round: BroadcastWait<void>, why: string): void {
    if (round !== this.#round || this.#isBroken) return;
    this.#isBroken = true;
    this.#arrived = 0;
    round.rejectAll(() => broken(`broke: ${why}`));
  }
}

function broken(what: string): BrokenBarrierError {
  return new BrokenBarrierError(`The barrier ${what}.`);
}
