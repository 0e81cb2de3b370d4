import { InvalidStateError } from "../../errors/index.ts";
import type { Call } from "../call.ts";
import { NOT_YET, WaitLine } from "../wait-line.ts";

/** The part of a lock that a condition needs. */
export interface ConditionLock {
  /** @throws InvalidStateError when the caller does not hold it. */
  checkHeld(call: Call): void;
  /** Gives it up, however often it is held. @returns how often. */
  letGo(call: Call): number;
  /** Takes it again as often, however long that takes. */
  takeBack(call: Call, times: number): void | Promise<void>;
  acquire(call: Call): boolean | Promise<boolean>;
  release(call: Call): void;
}

/** A lock that anybody may release, as Python's: it outlives who took it. */
export class ManagedLock implements ConditionLock {
  #locked = false;
  readonly #line = new WaitLine();

  acquire(call: Call): boolean | Promise<boolean> {
    return this.#line.wait(
      call,
      () => this.#take(),
      () => false,
    );
  }

  release(_call?: Call): void {
    if (!this.#locked)
      throw new InvalidStateError("The lock is not held, so it cannot be released.");
    this.#locked = false;
    this.#line.poke();
  }

  locked(_call?: Call): boolean {
    return this.#locked;
  }

  checkHeld(): void {
    if (!this.#locked) throw notHeld();
  }

  letGo(): number {
    this.release();
    return 1;
  }

  async takeBack(call: Call): Promise<void> {
    await this.#line.wait(
      call,
      () => this.#take(),
      () => false,
      true,
    );
  }

  #take(): true | typeof NOT_YET {
    if (this.#locked) return NOT_YET;
    this.#locked = true;
    return true;
  }
}

/** A lock that its holder, one client or one flow of it, may take again; freed when that client is gone. */
export class ManagedRLock implements ConditionLock {
  #client: number | undefined;
  #flow = 0;
  #times = 0;
  readonly #line = new WaitLine();

  acquire(call: Call): boolean | Promise<boolean> {
    if (this.#isHolder(call)) {
      this.#times++;
      return true;
    }
    return this.#line.wait(
      call,
      () => this.#take(call, 1),
      () => false,
    );
  }

  release(call: Call): void {
    if (!this.#isHolder(call)) {
      throw new InvalidStateError(
        this.#times === 0
          ? "The lock is not held, so it cannot be released."
          : "The lock is held by another client or flow, which alone may release it.",
      );
    }
    if (--this.#times > 0) return;
    this.#free();
  }

  locked(): boolean {
    return this.#times > 0;
  }

  checkHeld(call: Call): void {
    if (!this.#isHolder(call)) throw notHeld();
  }

  letGo(): number {
    const times = this.#times;
    this.#free();
    return times;
  }

  async takeBack(call: Call, times: number): Promise<void> {
    await this.#line.wait(
      call,
      () => this.#take(call, times),
      () => false,
      true,
    );
  }

  clientGone(client: number): void {
    if (this.#client === client) this.#free();
  }

  #free(): void {
    this.#times = 0;
    this.#client = undefined;
    this.#line.poke();
  }

  #isHolder(call: Call): boolean {
    return this.#times > 0 && this.#client === call.client && this.#flow === call.flow;
  }

  #take(call: Call, times: number): true | typeof NOT_YET {
    if (this.#times > 0) return NOT_YET;
    this.#client = call.client;
    this.#flow = call.flow;
    this.#times = times;
    return true;
  }
}

function notHeld(): InvalidStateError {
  return new InvalidStateError("The condition's lock is not held: acquire() it first.");
}
