import type { Socket } from "node:net";
import { clearTimeout } from "../util/platform.ts";
import { setTimer } from "../util/timer.ts";

/** Bounds for those who have connected and not said yet who they are. */
export interface PendingSocketLimits {
  /** Milliseconds each of them has. */
  readonly timeout: number;
  /** Limit of them; the oldest goes when another one comes. */
  readonly max: number;
}

/**
 * Sockets whose owner has not shown yet that it may be here.
 *
 * When there are too many the oldest has to go, not the latest: one who knows the key answers at once,
 * one who fills the places does not.
 */
export class PendingSockets {
  readonly #limits: PendingSocketLimits;
  readonly #present: Map<Socket, NodeJS.Timeout | undefined> = new Map();
  readonly #late: WeakSet<Socket> = new WeakSet();

  constructor(limits: PendingSocketLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#present.size;
  }

  /** Takes one in; it is destroyed unless {@link release} is called in time. */
  add(socket: Socket): void {
    if (this.#present.size >= this.#limits.max) {
      for (const oldest of this.#present.keys()) {
        this.#drop(oldest);
        break;
      }
    }
    const timer = setTimer(() => {
      this.#late.add(socket);
      this.#drop(socket);
    }, this.#limits.timeout);
    timer?.unref();
    this.#present.set(socket, timer);
    socket.once("close", () => this.release(socket));
  }

  /** True for one that was dropped because its time was up. */
  isLate(socket: Socket): boolean {
    return this.#late.has(socket);
  }

  /** It has shown who it is. @returns false when it is too late. */
  release(socket: Socket): boolean {
    if (!this.#present.has(socket)) return false;
    clearTimeout(this.#present.get(socket));
    this.#present.delete(socket);
    return true;
  }

  /** Ends all of them. */
  dropAll(): void {
    for (const socket of this.#present.keys()) this.#drop(socket);
  }

  #drop(socket: Socket): void {
    this.release(socket);
    socket.destroy();
  }
}
