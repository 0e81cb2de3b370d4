import { parking, type WaitRequest } from "../parking/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { isThenable } from "../util/thenable.ts";

/** A process or a thread: it can be waited for until it has ended. */
export interface Joinable {
  readonly exitCode: number | undefined;
  join(options?: WaitOptions): Promise<unknown>;
}

/** What can be waited for in the event loop only: that it ends, or is settled. */
export type Ending = Joinable | PromiseLike<unknown>;

/** Whether something ends rather than being taken. */
export function isEnding(object: unknown): object is Ending {
  if (typeof object !== "object" || object === null) return false;
  return isThenable(object) || isJoinable(object);
}

/** Watches one of them until the signal aborts; it need not be in shared memory. */
export class EndingWatch {
  /** The request that it has ended. Taking it changes nothing. */
  readonly request: WaitRequest<true> = {
    cells: [],
    group: this,
    attempt: () => (this.#isOver ? true : undefined),
    arm: () => !this.#isOver,
    holder: () => 0,
    suspend: () => {},
  };
  #isOver: boolean;

  constructor(ending: Ending, signal: AbortSignal) {
    this.#isOver = hasEnded(ending);
    const note = (): void => {
      this.#isOver = true;
      if (!signal.aborted) parking().scanSoon();
    };
    const end = isThenable(ending) ? ending : ending.join({ signal });
    // How it ended is for those who ask it: failures are ends too.
    end.then(note, note);
  }
}

/** What is known without waiting. */
function hasEnded(ending: Ending): boolean {
  if (!isThenable(ending)) return ending.exitCode !== undefined;
  return (ending as { readonly done?: unknown }).done === true;
}

function isJoinable(object: object): object is Joinable {
  return typeof (object as Partial<Joinable>).join === "function" && "exitCode" in object;
}
