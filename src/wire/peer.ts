import type { Readable, Writable } from "node:stream";
import type { Channel } from "./channel.ts";

/** Kinds of workers. */
export type PeerKind = "process" | "thread" | "inline";

/** The end of a process or thread. */
export interface ExitStatus {
  /** Exit code when it ended by itself. */
  readonly code: number | undefined;
  /** Signal name when it was killed; `"SIGKILL"` also for a thread that was terminated. */
  readonly signal: string | undefined;
  /** The reason why it never started, or the error nobody caught in it. */
  readonly error?: Error | undefined;
}

/** A running process or thread of ours, seen by the one that started it. */
export interface Peer {
  readonly kind: PeerKind;
  /** Process id; for a thread the id of the process it lives in. */
  readonly pid: number | undefined;
  readonly threadId: number | undefined;
  readonly channel: Channel;
  /** Settles when it is gone and every frame it sent has been delivered; never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Sends a signal; any signal terminates a thread. */
  kill(signal: NodeJS.Signals): void;
  /** Makes it keep the starter's event loop open, or not. */
  ref(): void;
  unref(): void;
}

/** The place of a process in the tree of processes of one program. */
export interface ProcessIdentity {
  readonly name: string;
  readonly daemon: boolean;
  /** Child numbers from the root: `[1, 2]` is the second child of the root's first. */
  readonly path: readonly number[];
  readonly parent: { readonly pid: number; readonly name: string } | undefined;
  /** Key for authenticated connections, inherited from the parent. */
  readonly authKey: Uint8Array;
}

/** The place of a thread in its process. */
export interface ThreadIdentity {
  readonly name: string;
  readonly daemon: boolean;
}

/** The first thing a process or thread of ours is told. */
export interface Boot {
  readonly process: ProcessIdentity;
  /** Absent in the main thread of a process. */
  readonly thread?: ThreadIdentity | undefined;
  /** `process.argv` of the starter, from index 1. */
  readonly argv: readonly string[];
  /** For the role alone. */
  readonly data: unknown;
}

/** The process or thread that a role runs in, as the role gets it. */
export interface Host {
  readonly kind: PeerKind;
  readonly channel: Channel;
  readonly boot: Boot;
  /** Something only the kind of worker has: the claims file's descriptor or memory. */
  readonly claims: unknown;
  /** Makes sure that this process ends soon after its parent does, even while it computes. */
  watchParent(): void;
}

/** A program that runs in a started process or thread; the default shape of a role module. */
export interface Role {
  start(host: Host): void;
}
