import type { Context, Wish } from "../parking/index.ts";

/** How several objects are waited for together: what a class tells `waitAny`, `waitAll` and Condition. */
export interface WaitProtocol<T extends object> {
  /** The wish to take the object, or to see it signaled. Throws when the handle is closed. */
  readonly wish: (object: T, context: Context | undefined) => Wish<{}>;
  /** Undoes what such a wish took. */
  readonly giveBack: (object: T) => void;
  /** Whether what was just taken came from a holder that died. */
  readonly isAbandoned?: (object: T) => boolean;
}

const protocols = new Map<object, WaitProtocol<never>>();

/** Lets instances of a class, and of its subclasses, be waited for together with others. */
export function waitable<T extends object>(
  Class: { readonly prototype: T },
  protocol: WaitProtocol<T>,
): void {
  protocols.set(Class.prototype, protocol);
}

/** How to wait for an object; undefined when it is nothing to wait for. */
export function protocolOf(object: unknown): WaitProtocol<object> | undefined {
  if (typeof object !== "object") return undefined;
  for (let proto: unknown = object; proto != null; proto = Object.getPrototypeOf(proto)) {
    const protocol = protocols.get(proto);
    if (protocol !== undefined) return protocol as WaitProtocol<object>;
  }
  return undefined;
}
