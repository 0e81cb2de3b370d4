import { isTaskRef, type TaskIdentity, identify, isClass } from "../task/index.ts";
import type { AnyTaskRef } from "../task/index.ts";
import { badArgument, outOfRange, wrongType } from "../util/argument-error.ts";
import { unwrapFacade } from "../util/facade.ts";
import { CATALOGUE } from "./catalogue.ts";

/** A class or function that servers make objects with, as it was registered. */
export interface Registration {
  /** The class, or the function that makes the object; without one only clients use the name. */
  readonly callable: Function | AnyTaskRef | undefined;
  readonly exposed: readonly string[] | undefined;
  readonly grants: Readonly<Record<string, string>>;
}

/** The same on its way to the server. */
export interface NamedRegistration {
  readonly name: string;
  readonly callable: TaskIdentity;
  readonly exposed: readonly string[] | undefined;
  readonly grants: Readonly<Record<string, string>>;
}

const registries: WeakMap<Function, Map<string, Registration>> = new WeakMap();

/** Remembers a registration of a manager class; its subclasses have it, too. */
export function addRegistration(
  manager: Function,
  name: string,
  callable: unknown,
  options: {
    readonly exposed?: readonly string[] | undefined;
    readonly methodToType?: Readonly<Record<string, string>> | undefined;
  },
): void {
  const expected = "the name of a method";
  if (typeof name !== "string") throw wrongType("name", expected, name);
  if (name === "") throw outOfRange("name", expected, name);
  if (callable !== undefined && typeof callable !== "function" && !isTaskRef(callable)) {
    throw wrongType("callable", "a class, a function or a reference from tasks()", callable);
  }
  if (
    CATALOGUE.has(name) ||
    (name in manager.prototype && registrationOf(manager, name) === undefined)
  ) {
    throw badArgument(`Managers have ${JSON.stringify(name)} already: register another name`);
  }
  let own = registries.get(manager);
  if (own === undefined) registries.set(manager, (own = new Map()));
  own.set(name, {
    callable,
    exposed: options.exposed,
    grants: options.methodToType ?? {},
  });
}

/** The registration that a manager class, or one above it, has under a name. */
function registrationOf(manager: Function, name: string): Registration | undefined {
  return registrationsOf(manager).get(name);
}

/** The name under which a class was registered. */
export function nameOf(manager: Function, callable: unknown): string | undefined {
  for (const [name, entry] of registrationsOf(manager)) {
    if (unwrapFacade(entry.callable) === unwrapFacade(callable)) return name;
  }
  return undefined;
}

function registrationsOf(manager: Function): Map<string, Registration> {
  const above: unknown = Object.getPrototypeOf(manager);
  const inherited =
    typeof above === "function" && isClass(above)
      ? registrationsOf(unwrapFacade(above))
      : new Map<string, Registration>();
  return new Map([...inherited, ...(registries.get(manager) ?? [])]);
}

/**
 * Names the registrations of a manager class for its server.
 *
 * @throws TaskNotFoundError when something was registered that the server could not find again.
 */
export async function nameRegistrations(manager: Function): Promise<NamedRegistration[]> {
  const named: NamedRegistration[] = [];
  for (const [name, { callable, exposed, grants }] of registrationsOf(manager)) {
    if (callable === undefined) continue;
    named.push({ name, callable: await identify(callable), exposed, grants });
  }
  return named;
}
