const REASON = Symbol.for("manycore.staysHere");

/**
 * Marks a class whose instances mean something only where they were made: the codec refuses them instead
 * of sending an empty object.
 *
 * @param reason - ends a sentence that begins with the path of the value: `is a Future: await it`.
 */
export function staysHere(constructor: { readonly prototype: object }, reason: string): void {
  Object.defineProperty(constructor.prototype, REASON, { value: reason });
}

/** The reason why an object has to stay, if its class was marked. */
export function reasonToStay(value: object): string | undefined {
  const reason: unknown = (value as { readonly [REASON]?: unknown })[REASON];
  // A proxy may answer anything.
  return typeof reason === "string" ? reason : undefined;
}
