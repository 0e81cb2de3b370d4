import { CELL } from "../memory/index.ts";
import { currentContext, isWithin, type Context, type WaitRequest } from "../parking/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { Ownership, type Manner, type SuspendedHold } from "./ownership.ts";

/** An {@link Ownership} that its holder may take again: the RLock's. */
export class ReentrantOwnership extends Ownership {
  override reenter(manner: Manner, options?: WaitOptions): boolean {
    const { cell } = this;
    if (!cell.isHeld || cell.depth === 0 || !this.#isHolder(manner)) return false;
    if (options?.signal?.aborted === true) return false;
    this.#setDepth(cell.depth + 1);
    return true;
  }

  override tryTake(context: Context | undefined): boolean {
    if (!super.tryTake(context)) return false;
    this.cell.origin = context === undefined ? currentContext() : undefined;
    this.#setDepth(1);
    return true;
  }

  override release(): void {
    const { cell } = this;
    if (cell.isHeld) {
      this.#setDepth(Math.max(0, cell.depth - 1));
      if (cell.depth > 0) return;
    }
    super.release();
  }

  override resumeHold(hold: SuspendedHold): void {
    super.resumeHold(hold);
    this.cell.origin = hold.origin;
    this.#setDepth(hold.depth);
  }

  override request(context: Context | undefined): WaitRequest<true> {
    const request = super.request(context);
    const origin = context === undefined ? currentContext() : undefined;
    return {
      ...request,
      attempt: () => {
        if (request.attempt() === undefined) return undefined;
        this.cell.origin = origin;
        this.#setDepth(1);
        return true;
      },
    };
  }

  /** The code that holds it may take it again. */
  override jointRequest(context: Context | undefined): WaitRequest<true> {
    const request = this.request(context);
    const { cell } = this;
    if (!cell.isHeld || !this.#isHolder(context === undefined ? "sync" : "async")) return request;
    return {
      ...request,
      attempt: () => {
        if (cell.isHeld) this.#setDepth(cell.depth + 1);
        return cell.isHeld ? true : request.attempt();
      },
    };
  }

  /** How often it was taken, as all can see. */
  get depth(): number {
    return Atomics.load(this.cell.ints, this.cell.base + CELL.aux);
  }

  /** The shared copy is for those who look on. */
  #setDepth(depth: number): void {
    const { cell } = this;
    cell.depth = depth;
    Atomics.store(cell.ints, cell.base + CELL.aux, depth);
  }

  /** Whether the code that calls is the holder, given whose hold it is and where it was taken. */
  #isHolder(manner: Manner): boolean {
    const { context: holder, origin } = this.cell;
    const current = currentContext();
    if (holder !== undefined) return isWithin(current, holder);
    if (manner === "sync") return true;
    return origin === undefined ? current === undefined : isWithin(current, origin);
  }
}
