import { InvalidStateError } from "../errors/index.ts";
import { badArgument, wrongType } from "../util/argument-error.ts";
import { checkFunction, text } from "../util/checks.ts";
import { unwrapFacade } from "../util/facade.ts";
import { globalSlot } from "../util/global-slot.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";

/** A class that can be registered, whatever its constructor takes. */
// oxlint-disable-next-line typescript/no-explicit-any -- only `any` accepts every parameter list
export type AnyClass<T extends object = object> = abstract new (...args: any[]) => T;

/** Options of {@link registerClass}. */
export interface ClassOptions<T extends object> {
  /** The name by which both sides know the class; default: its `name`. */
  readonly name?: string;
  /** Gives the data to send for an instance; default: its own enumerable fields. */
  readonly encode?: (instance: T) => unknown;
  /** Makes an instance of that data; default: an object of the class with these fields, made without its constructor. */
  readonly decode?: (data: never) => T;
}

/** A registration, as the codec uses it. */
export interface RegisteredClass {
  readonly Class: AnyClass;
  readonly name: string;
  readonly encode: ((instance: object) => unknown) | undefined;
  readonly decode: ((data: unknown) => object) | undefined;
}

interface Registry {
  readonly byName: Map<string, RegisteredClass>;
  readonly byPrototype: Map<object, RegisteredClass>;
  /** Some class brings a `decode` of its own. */
  hasDecoders?: boolean;
}

/** Two copies of this package in one program must agree, hence one registry for each JS thread. */
function registry(): Registry {
  known ??= globalSlot<Registry>("classes", () => ({ byName: new Map(), byPrototype: new Map() }));
  return known;
}
let known: Registry | undefined;

/** True when decoding a value may run code of the user. */
export function hasDecoders(): boolean {
  return registry().hasDecoders === true;
}

const REGISTER_CLASS: OptionTable<ClassOptions<object>> = {
  of: "registerClass()",
  checks: { name: text, encode: checkFunction, decode: checkFunction },
};

/**
 * Lets instances of a class travel as themselves: as arguments, results, items and thrown errors.
 *
 * Call it in the module that defines the class, so that every side that imports the class has it
 * registered. Without it an instance arrives as a plain object of its own enumerable fields, an
 * error as the nearest class known. Private `#fields`, and a base class of the platform such as Map, need
 * `encode` and `decode`: without them sending an instance fails. Subclasses are registered separately. Registering a class again replaces how it travels.
 *
 * @param Class - the class itself.
 * @returns the class.
 * @throws InvalidStateError when another class is registered under that name.
 * @throws TypeError when the class has no name and none is given, or an option is not a function.
 * @example
 * export class Money {
 *   constructor(readonly cents: bigint) {}
 * }
 * registerClass(Money);
 */
export function registerClass<C extends AnyClass>(
  Class: C,
  options: ClassOptions<InstanceType<C>> = {},
): C {
  if (typeof Class !== "function" || typeof Class.prototype !== "object") {
    throw wrongType("Class", "a class", Class);
  }
  checkOptions(options, REGISTER_CLASS);
  const name: unknown = options.name ?? Class.name;
  if (typeof name !== "string" || name === "") {
    throw badArgument("Expected the class to have a name: give one as the option `name`");
  }
  const real = unwrapFacade(Class);
  const classes = registry();
  if (options.decode !== undefined) classes.hasDecoders = true;
  const { byName, byPrototype } = classes;
  const present = byName.get(name);
  if (present !== undefined && present.Class !== real) {
    throw new InvalidStateError(
      `Another class is registered as "${name}". Give one of the two a different name: registerClass(Class, { name: "…" }).`,
    );
  }
  const former = byPrototype.get(Class.prototype);
  if (former !== undefined) byName.delete(former.name);
  const entry: RegisteredClass = {
    Class: real,
    name,
    encode: options.encode as RegisteredClass["encode"],
    decode: options.decode as RegisteredClass["decode"],
  };
  byName.set(name, entry);
  byPrototype.set(Class.prototype, entry);
  return Class;
}

/** The classes of this copy of the package itself; another copy has its own under the same names. */
const own: Map<string, RegisteredClass> = new Map();

/** Registers a class of this package: {@link registerClass} for what other copies may have, too. */
export function registerOwnClass<T extends object, D>(
  Class: AnyClass<T>,
  name: string,
  encode: (instance: T) => D,
  decode: (data: unknown) => T,
): void {
  const entry: RegisteredClass = {
    Class,
    name,
    encode: encode as RegisteredClass["encode"],
    decode,
  };
  own.set(name, entry);
  registry().byPrototype.set(Class.prototype as object, entry);
}

/** The registration of exactly this object's class. */
export function classOf(value: object): RegisteredClass | undefined {
  const { byPrototype } = registry();
  if (byPrototype.size === 0) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null ? undefined : byPrototype.get(prototype as object);
}

/** The registration of a prototype. */
export function classOfPrototype(prototype: object): RegisteredClass | undefined {
  return registry().byPrototype.get(prototype);
}

/** The registration under a name. */
export function classNamed(name: string): RegisteredClass | undefined {
  return own.get(name) ?? registry().byName.get(name);
}
