/**
 * A two-way stream of frames between this JS thread and one other, in order and without loss.
 *
 * A frame is a flat array whose first element names its kind (see `executor/protocol.ts`); large or
 * untranslatable values travel beside it as attachments. Each `send` is on its way when the call
 * returns: a sender that is killed right after has still sent it. Receiving is by callback, in the
 * event loop of the receiver.
 */
export interface Channel {
  /** Sends one frame. Silently dropped once the channel is closed: `onClose` has told the owner. */
  send(frame: readonly unknown[], attachments?: unknown[], transfer?: unknown[]): void;
  /** False while the other side is so far behind that frames pile up on this side. */
  readonly writable: boolean;
  /** Called when `writable` turns true again. */
  onDrain: (() => void) | undefined;
  /** Receives frames; must be set before {@link Channel.start}. */
  onFrame: (frame: unknown[], attachments: unknown[] | undefined) => void;
  /** Called once, after the last frame, when the other side is gone; `error` when it broke the protocol. */
  onClose: ((error?: Error) => void) | undefined;
  /** Begins to deliver frames. */
  start(): void;
  /** Lets the channel keep the event loop open, or not. */
  ref(): void;
  unref(): void;
  /** Ends this side; frames already sent are still delivered to the other. */
  close(): void;
}
