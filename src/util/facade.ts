import { InvalidStateError } from "../errors/index.ts";

/** What stands behind a facade. */
const behind: WeakMap<object, () => Function> = new WeakMap();

type Exports = Readonly<Record<string, Function>>;

/** A chunk of the package that is read when something of it is first used. */
class LazyPart {
  readonly #load: () => Exports;
  readonly #followers: ((exports: Exports) => void)[] = [];
  #exports: Exports | undefined;

  constructor(load: () => Exports) {
    this.#load = load;
  }

  get exports(): Exports {
    if (this.#exports === undefined) {
      this.#exports = this.#read();
      for (const follow of this.#followers.splice(0)) follow(this.#exports);
    }
    return this.#exports;
  }

  /** @throws InvalidStateError when this process has no descriptor left to read it. */
  #read(): Exports {
    try {
      return this.#load();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EMFILE" && code !== "ENFILE") throw error;
      throw new InvalidStateError(
        `manycore could not be read (${code}): this process has as many files open as it may. Close some, or allow more (ulimit -n).`,
        { cause: error },
      );
    }
  }

  /** Calls back when it has been read; at once when it was. */
  whenLoaded(follow: (exports: Exports) => void): void {
    if (this.#exports === undefined) this.#followers.push(follow);
    else follow(this.#exports);
  }

  /** Stands for one of its classes or functions, until somebody uses it. */
  facade(name: string, isAsync = false): Function {
    return facade(name, isAsync, () => this.exports[name] as Function);
  }

  /** Defines fields that read it, of a CommonJS module. */
  define(holder: object, names: readonly string[]): void {
    for (const name of names) {
      Object.defineProperty(holder, name, {
        get: () => this.exports[name],
        enumerable: true,
        configurable: true,
      });
    }
    this.whenLoaded((exports) => {
      for (const name of names) {
        Object.defineProperty(holder, name, { value: exports[name], writable: true });
      }
    });
  }
}

const parts: Map<string, LazyPart> = new Map();

/** The part of a name: the ES module and the CommonJS module of the package have the same. */
export function lazyPart(name: string, load: () => Exports): LazyPart {
  const part = parts.get(name) ?? new LazyPart(load);
  parts.set(name, part);
  return part;
}

/** What a facade stands for; anything else is itself. */
export function unwrapFacade<T>(value: T): T {
  if (typeof value !== "function") return value;
  return (behind.get(value)?.() as T | undefined) ?? value;
}

/**
 * Stands for a class or function that is loaded on first use, and behaves as it does.
 *
 * @param isAsync - whether it is a function without a `prototype`: a proxy's target must have none either.
 */
function facade(name: string, isAsync: boolean, load: () => Function): Function {
  // Not a class, whose `prototype` could not become that of the real one.
  const target: Function = isAsync ? async () => {} : function () {};
  Object.defineProperty(target, "name", { value: name, configurable: true });
  let loaded: Function | undefined;
  const real = (): Function => (loaded ??= adopt(target, load()));
  const made: Function = new Proxy(target, {
    apply: (_, self, args: unknown[]): unknown => Reflect.apply(real(), self, args),
    construct: (_, args: unknown[], Class): object =>
      Reflect.construct(real(), args, Class === made ? real() : Class) as object,
    get(_, key, receiver): unknown {
      const holder = real();
      if (receiver !== made) return Reflect.get(holder, key, receiver);
      const value: unknown = Reflect.get(holder, key, holder);
      // Private fields of a class are the class's own.
      return isMethod(key, value, target) ? value.bind(holder) : value;
    },
    set: (_, key, value, receiver) =>
      Reflect.set(real(), key, value, receiver === made ? real() : receiver),
    has: (_, key) => Reflect.has(real(), key),
    ownKeys: () => Reflect.ownKeys(real()),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
    getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(real(), key),
    defineProperty: (_, key, descriptor) => Reflect.defineProperty(real(), key, descriptor),
    deleteProperty: (_, key) => Reflect.deleteProperty(real(), key),
  });
  behind.set(made, real);
  return made;
}

/** A proxy may say of fields that cannot be configured only what its target says. */
function adopt(target: Function, real: Function): Function {
  const descriptors = Object.getOwnPropertyDescriptors(real) as PropertyDescriptorMap;
  for (const key of Reflect.ownKeys(descriptors)) {
    const descriptor = descriptors[key as string];
    if (descriptor?.configurable === false) Object.defineProperty(target, key, descriptor);
  }
  return real;
}

function isMethod(key: PropertyKey, value: unknown, target: Function): value is Function {
  if (typeof value !== "function" || key === "constructor") return false;
  return Object.getOwnPropertyDescriptor(target, key)?.configurable !== false;
}
