import type { Context, WaitRequest } from "../parking/index.ts";

/**
 * An object as part of a wait for several: what a class tells `waitAny` and `waitAll`. It belongs to one wait and does
 * not mind that the handle is closed meanwhile.
 */
export interface WaitTarget {
  /** The request to take the object, or to see it signaled. */
  readonly request: (context: Context | undefined) => WaitRequest<{}>;
  /** Notes that the wait took it. */
  readonly taken?: () => void;
  /** Undoes what the request took. */
  readonly giveBack: () => void;
  /** Whether what was just taken came from a holder that died. */
  readonly isAbandoned?: () => boolean;
}

type Targeting<T> = (object: T) => WaitTarget;

const targets = new Map<object, Targeting<never>>();

/**
 * Lets instances of a class, and of its subclasses, be waited for together with others.
 * @param targeting - throws when the handle is closed.
 */
export function waitable<T extends object>(
  Class: { readonly prototype: T },
  targeting: Targeting<T>,
): void {
  targets.set(Class.prototype, targeting);
}

/** Whether an object can be waited for together with others. */
export function isWaitable(object: unknown): object is object {
  return targetingOf(object) !== undefined;
}

/** How to wait for an object; undefined when it is nothing to wait for. Throws when it is closed. */
export function targetOf(object: unknown): WaitTarget | undefined {
  return targetingOf(object)?.(object as object);
}

function targetingOf(object: unknown): Targeting<object> | undefined {
  if (typeof object !== "object") return undefined;
  for (let proto: unknown = object; proto != null; proto = Object.getPrototypeOf(proto)) {
    const targeting = targets.get(proto);
    if (targeting !== undefined) return targeting as Targeting<object>;
  }
  return undefined;
}
