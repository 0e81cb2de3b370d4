/** Takes what a {@link Transport} receives. */
export interface Sink {
  onData(chunk: Uint8Array): void;
  /** Memory for the next bytes, to be filled without a copy. */
  readonly room?: Uint8Array | undefined;
  /** Takes note of bytes that were put there. */
  onFilled?(bytes: number): void;
  /** Nothing more will come; `error` when that was not what the other side asked for. */
  onEnd(error?: Error): void;
  /** All that was written is on its way. */
  onDrain(): void;
}

/** Carrier of the bytes of one end: a socket, or the memory of this thread. */
export interface Transport {
  sink: Sink;
  /** Begins to deliver. */
  start(): void;
  /** @returns true when all is on its way (a process killed now has sent it); else `onDrain` will say. */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Stops to deliver what arrives, or goes on. */
  pause(): void;
  resume(): void;
  /** Delivers what has arrived by now, without waiting and without the event loop. */
  poke(): void;
  /** Ends after what was written. */
  end(): void;
  destroy(): void;
  ref(): void;
  unref(): void;
}
