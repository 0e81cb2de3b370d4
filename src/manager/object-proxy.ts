import { InvalidStateError } from "../errors/index.ts";
import type { Check } from "../util/checks.ts";
import { inspectAs } from "../util/inspectable.ts";
import { wrongType } from "../util/argument-error.ts";
import { waitFault, type WaitOptions } from "../util/wait-options.ts";
import { registerOwnClass } from "../wire/class-registry.ts";
import { arriveAsProxy, setProxyMaker } from "./arrive.ts";
import { type CallOptions, type Handle, releaseNow, releaseWith } from "./host.ts";
import { PROXY_CLASS, writeToken } from "./token.ts";

const handles: WeakMap<object, Handle> = new WeakMap();

/** The handle of a proxy; undefined for anything else. */
export function handleOf(proxy: unknown): Handle | undefined {
  return typeof proxy === "object" && proxy !== null ? handles.get(proxy) : undefined;
}

/**
 * Stands for an object that lives in the server of a manager. Every method calls that object.
 *
 * Proxies travel: as arguments and results of tasks, Processes and Threads, through queues and connections,
 * into objects of the same manager. Each one holds the object, which goes when the last one is disposed
 * of, forgotten, or its program has ended.
 *
 * **Waiting**: every call waits for the server's answer; those that may wait longer take `timeout` and `signal`.
 * **Errors**: what the object throws arrives as itself, with its stack in the server followed by the caller's.
 * When the server is gone every call rejects with {@link EndOfStreamError}.
 *
 * A class of yours that extends it, Python's `BaseProxy`, has the methods you give it, which use `$call`, Python's
 * `_callmethod`. `Manager.register(name, Class, { proxy })` makes it the proxy of a class.
 *
 * @example
 * class StockProxy extends ObjectProxy {
 *   take(n: number): Promise<number> {
 *     return this.$call("take", [n], { timeout: 1000 });
 *   }
 * }
 * @since 0.2.0
 */
export class ObjectProxy implements Disposable, AsyncDisposable {
  static {
    setProxyMaker((handle) => new (proxies.get(handle.kind) ?? OwnProxy)(handle));
    inspectAs(ObjectProxy, (proxy) => {
      const { kind, id, isReleased } = handles.get(proxy)!;
      return `<${kind} proxy, object ${id}${isReleased ? ", released" : ""}>`;
    });
  }

  /** @internal */
  constructor(handle: Handle) {
    handles.set(this, handle);
    releaseWith(this, handle);
  }

  /**
   * Calls a method by its name, with bounds that the method itself does not take.
   *
   * **Cancellation**: the call is withdrawn; a method of an own class sees `callContext().signal` abort and
   * goes on or not as it likes. What the server had granted before it learnt of the abort counts.
   *
   * @throws TimeoutError when a method of an own class took longer than `timeout`.
   */
  $call<R = unknown>(
    method: string,
    args: readonly unknown[] = [],
    options?: WaitOptions,
  ): Promise<R> {
    const fault = callFault(method, args, options);
    if (fault !== undefined) return Promise.reject(fault);
    const handle = handles.get(this)!;
    if (handle.isReleased) return Promise.reject(disposed(handle));
    return handle.host.call(handle.id, method, args, options as CallOptions) as Promise<R>;
  }

  /** Gives up this proxy; the object goes when nobody else has one. A second call does nothing. */
  [Symbol.dispose](): void {
    releaseNow(handles.get(this)!);
  }

  /** As `[Symbol.dispose]()`. */
  [Symbol.asyncDispose](): Promise<void> {
    releaseNow(handles.get(this)!);
    return Promise.resolve();
  }
}

/** @throws InvalidStateError when a proxy was disposed of. */
export function checkUsable(proxy: ObjectProxy): void {
  const handle = handles.get(proxy)!;
  if (handle.isReleased) throw disposed(handle);
}

function disposed({ kind }: Handle): InvalidStateError {
  return new InvalidStateError(`This ${kind} proxy was disposed of: make or fetch another one.`);
}

/** Calls a method of one kind of built-in object; other names do not compile. */
export type CallBuiltIn<M extends string> = <R>(
  proxy: ObjectProxy,
  method: M,
  args?: readonly unknown[],
  options?: WaitOptions,
) => Promise<R>;

/** The {@link CallBuiltIn} of every kind. */
export function callBuiltIn<R>(
  proxy: ObjectProxy,
  method: string,
  args?: readonly unknown[],
  options?: WaitOptions,
): Promise<R> {
  return proxy.$call<R>(method, args, options);
}

function callFault(
  method: unknown,
  args: unknown,
  options: WaitOptions | undefined,
): Error | undefined {
  if (typeof method !== "string") return wrongType("method", "the name of a method", method);
  if (!Array.isArray(args)) return wrongType("args", "an array", args);
  return waitFault(options);
}

type ProxyClass = new (handle: Handle) => ObjectProxy;

/** Refuses what is no class of proxies. */
export const checkProxyClass: Check = (value, name) => {
  const isProxyClass =
    typeof value === "function" && (value.prototype as unknown) instanceof ObjectProxy;
  if (!isProxyClass) throw wrongType(name, "a class that extends ObjectProxy", value);
};

/** The proxies of the kinds in the catalogue, and of own classes that have a proxy class. */
const proxies: Map<string, ProxyClass> = new Map();

/** Makes a class the proxies of some kinds; they can travel from now on. */
export function proxiesOf(Class: ProxyClass, ...kinds: readonly string[]): void {
  for (const kind of kinds) proxies.set(kind, Class);
  registerOwnClass<ObjectProxy, unknown>(
    Class,
    PROXY_CLASS,
    (proxy) => {
      const handle = handles.get(proxy)!;
      if (handle.isReleased) {
        throw new InvalidStateError("the proxy was disposed of");
      }
      return writeToken(handle.host, handle);
    },
    (data) => arriveAsProxy(data) as ObjectProxy,
  );
}

/** A proxy of an own class, with a method for each that the class exposes. */
class OwnProxy extends ObjectProxy {
  static {
    proxiesOf(OwnProxy);
  }

  constructor(handle: Handle) {
    super(handle);
    for (const name of handle.methods) {
      if (name in this) continue;
      Object.defineProperty(this, name, {
        value: (...args: unknown[]): Promise<unknown> => this.$call(name, args),
        configurable: true,
      });
    }
  }
}
