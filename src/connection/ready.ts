const READY = Symbol.for("manycore.ready");

/** The view of an object that `waitReady` has. */
export interface Readiness {
  /** Looks, without waiting. */
  isReady(): boolean;
  /** Calls back when the object may have become ready, or can no longer be waited for. @returns how to give it up. */
  watch(callback: (error?: unknown) => void): () => void;
}

/** Lets instances of a class be waited for. */
export function readyAs<T extends object>(
  constructor: { readonly prototype: T },
  look: (self: T) => Readiness,
): void {
  Object.defineProperty(constructor.prototype, READY, {
    value(this: T): Readiness {
      return look(this);
    },
  });
}

/** The view of an object; undefined for one that is never ready. */
export function readinessOf(object: unknown): Readiness | undefined {
  return (object as { [READY]?: () => Readiness } | null | undefined)?.[READY]?.();
}
