import { InvalidStateError } from "../errors/index.ts";
import { transition, type Transitions } from "../util/state-machine.ts";

/** States of a child as its starter sees it; README.md describes them. */
export type ChildState = "new" | "starting" | "running" | "stopped" | "failed" | "closed";

export const CHILD_TRANSITIONS: Transitions<ChildState> = {
  new: ["starting", "closed"],
  starting: ["running", "stopped", "failed"],
  running: ["stopped"],
  stopped: ["closed"],
  failed: ["closed"],
  closed: [],
};

/** The state of a child, and the errors of whoever asks for something that the state does not allow. */
export class ChildLife {
  readonly #of: { readonly name: string };
  readonly #isInside: boolean;
  #state: ChildState = "new";

  /**
   * @param of - for messages.
   * @param isInside - the handle is the child's own: nothing is known of its start and end.
   */
  constructor(of: { readonly name: string }, isInside: boolean) {
    this.#of = of;
    this.#isInside = isInside;
  }

  get state(): ChildState | "inside" {
    return this.#isInside ? "inside" : this.#state;
  }

  /** True from its start to its end. */
  get isAlive(): boolean {
    return !this.#isInside && (this.#state === "starting" || this.#state === "running");
  }

  enter(next: ChildState): void {
    this.#state = transition(CHILD_TRANSITIONS, this.#state, next, "A child");
  }

  /** Lets go of the child. No effect the second time. */
  close(): void {
    if (this.#isInside || this.isAlive) {
      this.#refuse("is still running; join() or terminate() it before close().");
    }
    if (this.#state !== "closed") this.enter("closed");
  }

  assertOpen(): void {
    if (this.#state === "closed") this.#refuse("is closed.");
  }

  /** @param what - `interrupted`, `terminated`, `ended`. */
  assertStarted(what: string): void {
    this.assertOpen();
    if (this.state === "new") this.#refuse(`cannot be ${what} before it is started.`);
  }

  assertStartable(): void {
    this.assertOpen();
    if (this.#isInside) this.#refuse("can only be started by the one that made it.");
    if (this.#state !== "new") {
      this.#refuse("can be started only once; make a new one to run it again.");
    }
  }

  assertJoinable(): void {
    this.assertOpen();
    if (this.#isInside) this.#refuse("cannot join itself.");
    if (this.#state === "new") this.#refuse("cannot be joined before it is started.");
    if (this.#state === "failed") this.#refuse("could not be started.");
  }

  #refuse(why: string): never {
    throw new InvalidStateError(`${this.#of.name} ${why}`);
  }
}
