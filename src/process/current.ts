import { processIdentity } from "./identity.ts";
import { liveChildren } from "./children.ts";
import type { Process } from "./process.ts";

/** This process, as {@link currentProcess} tells of it. */
export interface CurrentProcess {
  readonly name: string;
  readonly pid: number;
  /** It may not start processes. True in a daemon {@link Process} and in the workers of a {@link Pool}. */
  readonly daemon: boolean;
  readonly isAlive: true;
  readonly exitCode: undefined;
  /** The process that started it; null in the root. */
  readonly parent: { readonly pid: number; readonly name: string } | null;
  /** Key for authenticated connections: random in the root, inherited by children, never shown or sent. */
  readonly authKey: Uint8Array;
}

class Self implements CurrentProcess {
  readonly name: string;
  readonly pid: number = process.pid;
  readonly daemon: boolean;
  readonly isAlive = true;
  readonly exitCode = undefined;
  readonly parent: { readonly pid: number; readonly name: string } | null;

  constructor() {
    const { name, daemon, parent } = processIdentity();
    this.name = name;
    this.daemon = daemon;
    this.parent = parent ?? null;
  }

  get authKey(): Uint8Array {
    return processIdentity().authKey;
  }
}

/**
 * The present process: `MainProcess` in the program the user started, in a child its own name and parent.
 *
 * @since 0.1.0
 */
export function currentProcess(): CurrentProcess {
  return new Self();
}

/**
 * The processes that were started from here as {@link Process} and have not been seen to end, in the
 * order of their starts. "Here" is this JS thread.
 *
 * @since 0.1.0
 */
export function activeChildren(): Process<unknown[], unknown>[] {
  return liveChildren("process") as Process<unknown[], unknown>[];
}
