import { InvalidStateError } from "../errors/index.ts";
import { closeCell, type WaitRequest } from "../parking/index.ts";
import type { AcquirableBody } from "./acquirable.ts";
import { Guard } from "./guard.ts";

/** The permits of a semaphore. */
export interface PermitBody extends AcquirableBody {
  /** How many can be had now. */
  readonly free: number;
  /** Takes one if there is one. */
  take(): true | undefined;
  /** Gives some back. @returns how many; fewer than asked for when there would be too many. */
  giveBack(count: number): number;
  /** Frees what the dead have. */
  recover?(): boolean;
  request(): WaitRequest<true>;
  /** Why so many cannot be given back, as the end of a sentence that begins with the semaphore's name. */
  tooMany(count: number): string;
}

/** @throws InvalidStateError when so many cannot be given back. */
export function giveBack(permits: PermitBody, count: number, describe: () => string): void {
  if (permits.giveBack(count) === count) return;
  throw new InvalidStateError(`${describe()} ${permits.tooMany(count)}`);
}

/** The guard of one permit. */
export function permitGuard(permits: PermitBody, describe: () => string): Guard {
  const { cell } = permits;
  // However the handles are closed meanwhile, there is a place to give it back to.
  cell.handles++;
  return new Guard(() => {
    try {
      giveBack(permits, 1, describe);
    } finally {
      closeCell(cell);
    }
  });
}
