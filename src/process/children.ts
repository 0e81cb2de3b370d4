import { globalSlot } from "../util/global-slot.ts";

/** A running child, as far as it must be known to end it with this process. */
export interface Child {
  readonly kind: "process" | "thread";
  readonly daemon: boolean;
  kill(): void;
}

interface Children {
  /** Started and not yet seen to end: the handle the user has, and how to end it. */
  readonly live: Map<object, Child>;
  watchesExit: boolean;
}

const children: Children = globalSlot("children", () => ({ live: new Map(), watchesExit: false }));

/** Takes note of a running child; a daemon is ended when this process (or thread) exits. */
export function addChild(handle: object, child: Child): void {
  children.live.set(handle, child);
  if (!child.daemon || children.watchesExit) return;
  children.watchesExit = true;
  process.on("exit", endDaemons);
}

/** Forgets a child that ended. */
export function removeChild(handle: object): void {
  children.live.delete(handle);
}

/** The handles of all running children of one kind, in the order of their starts. */
export function liveChildren(kind: Child["kind"]): object[] {
  return [...children.live].filter(([, child]) => child.kind === kind).map(([handle]) => handle);
}

function endDaemons(): void {
  for (const child of children.live.values()) if (child.daemon) child.kill();
}
