import type { Address } from "../connection/index.ts";
import type { AnyClass } from "../wire/class-registry.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import type { IteratorProxy } from "./proxies/iterator-proxy.ts";
import type { ObjectProxy } from "./object-proxy.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- only `any` accepts every parameter list
type AnyMethod = (...args: any[]) => unknown;

/** Methods of every object; clients may not call them. */
type ObjectMethods =
  | "constructor"
  | "hasOwnProperty"
  | "isPrototypeOf"
  | "propertyIsEnumerable"
  | "toLocaleString"
  | "toString"
  | "valueOf";

/** The methods of a class that clients may call, unless it exposes fewer. */
export type PublicMethods<T> = {
  [K in keyof T]: K extends `_${string}` | `$${string}` | "then" | ObjectMethods
    ? never
    : K extends string
      ? T[K] extends AnyMethod
        ? K
        : never
      : never;
}[keyof T] &
  string;

/** The result of a call: iterators as iterators, everything else by value. */
type CallResult<R> =
  R extends Generator<infer I, unknown, unknown>
    ? IteratorProxy<I>
    : R extends AsyncGenerator<infer I, unknown, unknown>
      ? IteratorProxy<I>
      : R;

/**
 * A proxy of an own class: its exposed methods, asynchronous. Those named in `methodToType` give proxies.
 * The inverse of what the class says of itself.
 */
export type Proxied<
  T,
  E extends PublicMethods<T> = PublicMethods<T>,
  G extends string = never,
> = ObjectProxy & {
  readonly [K in E]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<K extends G ? Proxied<Awaited<R>> : CallResult<Awaited<R>>>
    : never;
};

/** A class, or a function that makes the object, which can be registered. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export type Registrable = AnyClass | ((...args: any[]) => object | Promise<object>);

/** The object that something registered makes. */
export type MadeBy<C> = C extends abstract new (...args: never[]) => infer T
  ? T
  : C extends (...args: never[]) => infer R
    ? Awaited<R>
    : never;

/** The arguments that something registered takes. */
export type ArgumentsOf<C> = C extends abstract new (...args: infer A) => unknown
  ? A
  : C extends (...args: infer A) => unknown
    ? A
    : never;

/** Has an object made in the server. */
export type Maker<
  C,
  E extends PublicMethods<MadeBy<C>> | ObjectProxy = PublicMethods<MadeBy<C>>,
  G extends string = never,
> = (
  ...args: ArgumentsOf<C>
) => Promise<
  [E] extends [string] ? Proxied<MadeBy<C>, Extract<E, PublicMethods<MadeBy<C>>>, G> : E
>;

/** A class of proxies: one that extends {@link ObjectProxy}, without a constructor of its own. */
// oxlint-disable-next-line typescript/no-explicit-any -- what a proxy is made of is the package's own
export type ProxyClass<P extends ObjectProxy = ObjectProxy> = new (...args: any[]) => P;

/** Options of `Manager.register()`. */
export interface RegisterOptions<
  E extends string = string,
  G extends string = string,
  P extends ObjectProxy = ObjectProxy,
> {
  /**
   * Class of the proxies, which extends `ObjectProxy`: Python's `proxytype`. It is known to the JS thread that has
   * called `register`, for all objects of that name; elsewhere they have the plain proxy. Default: a proxy
   * with a method for each that the object exposes.
   */
  readonly proxy?: ProxyClass<P> | undefined;
  /** The methods clients may call. Default: all public ones, whose names do not begin with `_`. */
  readonly exposed?: readonly E[] | undefined;
  /** Methods whose results stay in the server and are given as proxies: method → registered name. */
  readonly methodToType?: { readonly [K in G]: string } | undefined;
}

/** Options of `Manager.start()` and `Manager.serve()`. */
export interface ManagerOptions<I extends unknown[] = unknown[]> {
  /** Address to listen at; default: a fresh address that only this user can reach. Port 0: any free one. */
  readonly address?: Address | undefined;
  /** Key that clients have to know. Default: the key of this program, which the processes it starts inherit. */
  readonly authKey?: Uint8Array | string | undefined;
  /** Called in the server before it listens; an exported function. */
  readonly initializer?: ((...args: I) => unknown) | undefined;
  readonly initializerArgs?: NoInfer<I> | undefined;
  /**
   * Lets clients name functions to run in the server (pools, comparisons, actions of barriers).
   * Default: unless it can be reached over the network.
   */
  readonly functions?: boolean | undefined;
  /** The largest call or result, in bytes. Default: 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds that an object is kept for who was sent its proxy by a client that has ended since. Default: 60,000. */
  readonly handOverTimeout?: number | undefined;
}

/** Options of `Manager.connect()`. */
export interface ManagerConnectOptions extends WaitOptions {
  /** The manager's key. Default: that of this program. */
  readonly authKey?: Uint8Array | string | undefined;
  /** The largest call or result, in bytes. Default: 1 GiB. */
  readonly maxBytes?: number | undefined;
}
