import { InvalidStateError } from "../errors/index.ts";
import type { Kind } from "../memory/index.ts";
import {
  attachCell,
  closeCell,
  openCell,
  participant,
  type Creation,
  type Handle,
  type LocalCell,
} from "../parking/index.ts";
import { inspectAs } from "../util/inspectable.ts";
import { registerOwnClass, type AnyClass } from "../wire/class-registry.ts";
import { setTimeout } from "../util/platform.ts";

/** How long an object that was sent is kept for those who receive it, if the sender lets go of it. */
const LENDING_MS = 60_000;

/** Options of every object that processes share. */
export interface SharedOptions {
  /**
   * Up to 192 bytes. Every process of this user that uses the name has the same object, for as long as any
   * of them has it open; without a name it travels as an argument, in results and through channels.
   */
  readonly name?: string | undefined;
}

/** What a closed handle has to give back. */
export interface Unreleased {
  /** Whether that much of it is left; counts it as given back then. */
  take(count: number): boolean;
}

/** An object as this thread sees it: its cell, and the operations on the words of that. */
export interface Body {
  readonly cell: LocalCell;
  /**
   * Of what is taken and given back: what a handle has to give back still that is closed now.
   * @param before - what it had to give back already, if something was taken through it after that.
   */
  unreleased?(before?: Unreleased): Unreleased;
  /** Called when a handle is closed, before it gives up the cell. */
  closing?(): void;
  /** Called when a handle was closed. */
  closed?(): void;
}

/** What there is to say of an open object. */
export type Describe<B extends Body> = (body: B, name: string | undefined) => string;

/** The object behind a handle. @throws InvalidStateError when the handle is closed. */
export let openBody: (object: SyncObject) => Body;

/** The object to give something back to: behind a closed handle only as long as that has something to give back. */
export let releasable: (object: SyncObject, count?: number) => Body;

/** Notes that something was taken through a handle that may have been closed meanwhile. */
export let keepUnreleased: (object: SyncObject, body: Body) => void;

/** What `console.log` shows, of closed handles too. */
export let inspected: <B extends Body>(object: SyncObject, describe: Describe<B>) => string;

/** The cells of handles that were collected are closed. */
const collected = new FinalizationRegistry<LocalCell>(closeCell);

/**
 * Base of what stands in a cell: opening, travelling, closing.
 *
 * A handle reaches its object through {@link openBody} alone, which throws once the handle is closed: the cell may be
 * another object's then. What has to go on after that - a wait that has begun, a guard - keeps the body itself, and
 * with it the cell: see `closeCell`.
 */
export abstract class SyncObject {
  #body: Body | undefined;
  readonly #name: string | undefined;
  #unreleased: { readonly body: Body; readonly rest: Unreleased } | undefined;

  /**
   * @param source - what to make or open, or what came from elsewhere.
   * @param bodyOf - what a handle has of its cell.
   */
  constructor(source: Creation | Arrival, bodyOf: (cell: LocalCell, handle: object) => Body) {
    const isArrival = source instanceof Arrival;
    const cell = isArrival ? attachCell(source.handle, source.kind) : openCell(source);
    try {
      this.#body = bodyOf(cell, this);
    } catch (error) {
      closeCell(cell);
      throw error;
    }
    this.#name = isArrival ? participant().arena.nameOf(cell.index) : source.name;
    collected.register(this, cell, this);
  }

  /** The name it was made with; undefined when it has none. Also of a closed handle. */
  get name(): string | undefined {
    return this.#name;
  }

  /**
   * Gives this handle up: everything but `name` and `close()` fails with {@link InvalidStateError} from then on. What
   * waits through it goes on; what this thread holds it keeps, and guards and `release()` still give that back. The
   * object ends with its last handle. Objects that are no longer used are closed by themselves, so this is for
   * names that must be free again at once.
   */
  close(): void {
    const body = this.#body;
    if (body === undefined) return;
    this.#body = undefined;
    collected.unregister(this);
    this.#keepUnreleased(body);
    body.closing?.();
    closeCell(body.cell);
    body.closed?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #keepUnreleased(body: Body): void {
    const rest = body.unreleased?.(this.#unreleased?.rest);
    if (rest !== undefined) this.#unreleased = { body, rest };
  }

  #releasable(count: number): Body {
    const unreleased = this.#unreleased;
    if (unreleased?.rest.take(count) === true) return unreleased.body;
    throw this.#closedError();
  }

  #closedError(): InvalidStateError {
    return new InvalidStateError(
      `This ${this.constructor.name} was closed: make or open it again.`,
    );
  }

  static {
    openBody = (object) => {
      const body = object.#body;
      if (body === undefined) throw object.#closedError();
      return body;
    };
    releasable = (object, count = 1) => object.#body ?? object.#releasable(count);
    keepUnreleased = (object, body) => {
      if (object.#body === undefined) object.#keepUnreleased(body);
    };
    inspected = (object, describe) => {
      const body = object.#body;
      const { constructor, name } = object;
      const text = body === undefined ? "closed" : describe(body as never, name);
      // A list is shown as one.
      return `${constructor.name} ${text.startsWith("[") ? text : `{ ${text} }`}`;
    };
  }

  /** Where it is, for those it is sent to; keeps it open until they have it. @internal */
  static handleOf(object: SyncObject): Handle {
    const { index, generation } = openBody(object).cell;
    lend(object);
    return { folder: participant().arena.folder, index, generation };
  }
}

/** What the decoder gives to a constructor. */
export class Arrival {
  readonly handle: Handle;
  readonly kind: Kind;

  constructor(handle: Handle, kind: Kind) {
    this.handle = handle;
    this.kind = kind;
  }
}

/** A class of shared objects; its constructor takes what arrives, too, which its public signature does not tell. */
export type SharedClass<T extends SyncObject> = abstract new (...args: never[]) => T;

/** Makes an instance of what came from elsewhere. */
export function revive<T extends SyncObject>(
  Class: SharedClass<T>,
  arrival: Arrival,
  ...more: readonly unknown[]
): T {
  return new (Class as unknown as new (...args: unknown[]) => T)(arrival, ...more);
}

/** The options in the place of which something arrived: those that stay behind have their defaults. */
export function optionsOf<O extends object>(given: O | Arrival): Partial<O> {
  return given instanceof Arrival ? {} : given;
}

const lent = new Set<SyncObject>();

/** Keeps an object from being collected while it travels. */
function lend(object: SyncObject): void {
  if (lent.has(object)) return;
  lent.add(object);
  setTimeout(() => lent.delete(object), LENDING_MS).unref();
}

/**
 * Lets instances of a class travel, and show themselves in `console.log`.
 * @param describe - what there is to say of an open one.
 */
export function shareable<T extends SyncObject, B extends Body>(
  Class: SharedClass<T> & { readonly name: string },
  kind: Kind,
  describe: Describe<B>,
): void {
  registerOwnClass(
    Class as AnyClass<T>,
    `manycore.${Class.name}`,
    (object) => SyncObject.handleOf(object),
    (handle) => revive(Class, new Arrival(handle as Handle, kind)),
  );
  inspectAs<SyncObject>(Class, (self) => inspected(self, describe));
}
