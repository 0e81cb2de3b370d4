import type { Channel } from "./channel.ts";
import { setImmediate } from "../util/platform.ts";

type Frame = readonly [readonly unknown[], unknown[] | undefined];

/** A channel between two parts of one thread: frames arrive in a turn of their own, as they do from elsewhere. */
export class LocalChannel implements Channel {
  readonly writable = true;
  onDrain: (() => void) | undefined;
  onFrame: (frame: unknown[], attachments: unknown[] | undefined) => void = () => {};
  onClose: ((error?: Error) => void) | undefined;
  #other: LocalChannel | undefined;
  #arrived: Frame[] = [];
  #started = false;
  #scheduled = false;
  #closed = false;

  /** Makes the two ends of a channel. */
  static pair(): [LocalChannel, LocalChannel] {
    const one = new LocalChannel();
    const other = new LocalChannel();
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  send(frame: readonly unknown[], attachments?: unknown[], transfer?: unknown[]): void {
    if (this.#closed || this.#other === undefined) return;
    // What does not move is copied, as `postMessage` does: the sender may send it again.
    const received = attachments?.map((item) =>
      item instanceof ArrayBuffer && transfer?.includes(item) !== true ? item.slice(0) : item,
    );
    this.#other.#arrived.push([frame, received]);
    this.#other.#schedule();
  }

  start(): void {
    this.#started = true;
    this.#schedule();
  }

  ref(): void {}

  unref(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#schedule();
    if (this.#other !== undefined) {
      this.#other.#closed = true;
      this.#other.#schedule();
    }
  }

  #schedule(): void {
    if (this.#scheduled || !this.#started) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const frames = this.#arrived;
      this.#arrived = [];
      for (const [frame, attachments] of frames) this.onFrame([...frame], attachments);
      if (!this.#closed) return;
      const { onClose } = this;
      this.onClose = undefined;
      onClose?.();
    });
  }
}
