import type { MessagePort } from "node:worker_threads";
import { RingChannel } from "../wire/index.ts";

/**
 * The channel of a thread, with a close that Node survives.
 *
 * Inside the "close" event of a port `receiveMessageOnPort` crashes the whole process (segmentation
 * fault, seen with Node 20.20), and finishing a channel calls it. One turn later it is harmless.
 */
export class ThreadChannel extends RingChannel {
  #isClosing = false;

  constructor(port: MessagePort, incoming: SharedArrayBuffer, outgoing: SharedArrayBuffer) {
    super(port, incoming, outgoing);
    // Before the listener of `start()`.
    port.once("close", () => {
      this.#isClosing = true;
      setImmediate(() => {
        this.#isClosing = false;
        this.finish();
      });
    });
  }

  override finish(): void {
    if (!this.#isClosing) super.finish();
  }
}
