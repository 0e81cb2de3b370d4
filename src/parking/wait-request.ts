import type { LocalCell } from "./local-cell.ts";

/**
 * What a wait waits for. Attempt, announce, sleep, attempt again: the request says how, the engine says when.
 *
 * All of it is synchronous and must not throw but for mistakes of the caller.
 */
export interface WaitRequest<T extends {}> {
  /** The cells whose change may fulfil it. */
  readonly cells: readonly LocalCell[];
  /** Waits of one group are served in order: when one fails, those after it are not tried. */
  readonly group: object;
  /** Takes what is requested, if it can be had now. */
  attempt(): T | undefined;
  /**
   * Announces a sleeper, by the very operation on the state word that proves that it still cannot be had.
   * @returns false when the state has changed: attempt again.
   */
  arm(): boolean;
  /** The token of the one participant who has to act first, if it is known: its death wakes the waiter. */
  holder(): number;
  /**
   * Mends what the dead left in the way; called before each sleep, and once a slice.
   * @returns whether anything changed: attempt again.
   */
  recover?(): boolean;
  /**
   * Milliseconds after which it may be had although nobody changes anything: the wait sleeps no longer.
   * Called after {@link WaitRequest.arm}.
   */
  due?(): number;
  /** Called when the wait has lasted so long that the next release should hand over to it. */
  starve?(): void;
  /** Called when the wait ends without success: undoes what it announced, wakes another in its place. */
  leave?(): void;
  /**
   * Called when the wait ended with success, after its bit is gone. Whoever rang between the success and
   * then has rung in vain: where what others wait for may be there still, another is woken here.
   */
  passOn?(): void;
  /**
   * Called when the thread goes to sleep for something else, so that it cannot be attempted
   * until it wakes: passes on what may have come for it. Default: wakes one other waiter.
   */
  suspend?(): void;
  /** A wait for any of several: the holder of one need not act. */
  readonly isAny?: boolean;
}
