import { AsyncLocalStorage, executionAsyncId } from "node:async_hooks";
import type { LocalCell } from "./local-cell.ts";

/**
 * A flow of async work since it took something. `await a.acquire(); await b.acquire()` waits for b in the
 * context that holds a, so what holds a goes on only when b comes: this is how a deadlock is told from
 * two tasks of one thread that have nothing to do with each other.
 */
export interface Context {
  /** Unique in its thread, never 0. */
  readonly id: number;
  readonly parent: Context | undefined;
  /** The hold it was made for lasts. Contexts without one are left out of chains. */
  isHolding: boolean;
  /** What it was made to hold. */
  cell?: LocalCell;
}

let storage: AsyncLocalStorage<Context> | undefined;
let made = 0;
/** The last context entered, and the section of code that entered it. */
let entered:
  | { readonly context: Context; readonly section: number; readonly outer: Context | undefined }
  | undefined;

/** From Node 24 on, async ids are not kept for promises; there a turn of the microtask queue tells sections apart. */
const COUNTS_TURNS = Number(process.versions.node.split(".")[0]) >= 24;
let turn = 0;
let isTurnOpen = false;

function currentSection(): number {
  if (!COUNTS_TURNS) return executionAsyncId();
  if (!isTurnOpen) {
    isTurnOpen = true;
    void Promise.resolve().then(closeTurn);
  }
  return turn;
}

function closeTurn(): void {
  isTurnOpen = false;
  turn++;
}

/** The nearest context, from here outwards, whose hold lasts. */
function holding(context: Context | undefined): Context | undefined {
  while (context !== undefined && !context.isHolding) context = context.parent;
  return context;
}

/**
 * The context of the code that runs.
 *
 * A context entered earlier in the same run of synchronous code may belong to somebody else who was called
 * there (`Promise.all([first(), second()])`): then what was current before counts.
 */
export function currentContext(): Context | undefined {
  if (storage === undefined) return undefined;
  const context = storage.getStore();
  if (context === undefined) return undefined;
  if (entered?.context === context && entered.section === currentSection())
    return holding(entered.outer);
  return holding(context);
}

/** Makes the code that runs, and what follows it asynchronously, a new context inside the current one. */
export function enterContext(): Context {
  return enterContexts(1)[0]!;
}

/**
 * As many contexts, each inside the one before, for code that takes several things at once: each is let go
 * of by itself. What follows belongs to the last.
 */
export function enterContexts(count: number): Context[] {
  let context = childContext();
  const outer = context.parent;
  const contexts = [context];
  while (contexts.length < count) {
    context = { ...childContext(), parent: context };
    contexts.push(context);
  }
  storage ??= new AsyncLocalStorage();
  storage.enterWith(context);
  entered = { context, section: currentSection(), outer };
  return contexts;
}

/** A new context inside the current one, for {@link runIn}. */
export function childContext(): Context {
  const parent = currentContext();
  made = (made + 1) & 0x7fffffff || 1;
  return { id: made, parent, isHolding: false };
}

/** Runs a function as part of a context. */
export function runIn<T>(context: Context, body: () => T): T {
  storage ??= new AsyncLocalStorage();
  return storage.run(context, body);
}

/** Whether code in `context` runs inside `outer`. */
export function isWithin(context: Context | undefined, outer: Context): boolean {
  while (context !== undefined) {
    if (context === outer) return true;
    context = context.parent;
  }
  return false;
}
