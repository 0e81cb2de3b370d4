/** Takes what a {@link Transport} receives. */
export interface Sink {
  onData(chunk: Uint8Array): void;
  /** Where the transport may put the next bytes without a copy. */
  readonly room?: Uint8Array | undefined;
  /** So many bytes were put there. */
  onFilled?(bytes: number): void;
  /** Nothing more will come; `error` when that was not the other side's wish. */
  onEnd(error?: Error): void;
  /** All that was written is on its way. */
  onDrain(): void;
}

/** What carries the bytes of one end: a socket, or the memory of this thread. */
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
