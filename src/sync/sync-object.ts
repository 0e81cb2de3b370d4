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
import { registerOwnClass } from "../wire/class-registry.ts";
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

/** Closes the cell of an object that was collected. */
const collected = new FinalizationRegistry<LocalCell>(closeCell);

/** Base of what stands in a cell: opening, travelling, closing. */
export abstract class SyncObject {
  #cell: LocalCell | undefined;
  readonly #words: LocalCell;
  /** What was taken, or is being waited for, through this handle and has to be given back. */
  #uses = 0;
  readonly #name: string | undefined;

  /** @param source - what to make or open, or what came from elsewhere. */
  constructor(source: Creation | Arrival) {
    const isArrival = source instanceof Arrival;
    this.#cell = isArrival ? attachCell(source.handle, source.kind) : openCell(source);
    this.#words = this.#cell;
    this.#name = isArrival ? participant().arena.nameOf(this.#cell.index) : source.name;
    collected.register(this, this.#cell, this);
  }

  /** The name it was made with; undefined when it has none. */
  get name(): string | undefined {
    return this.#name;
  }

  /**
   * Gives this handle up; what waits through it goes on. The object ends with its last handle. Objects that
   * are no longer used are closed by themselves, so this is for names that must be free again at once.
   */
  close(): void {
    const cell = this.#cell;
    if (cell === undefined) return;
    this.#cell = undefined;
    collected.unregister(this);
    this.onClose();
    if (this.#uses === 0) closeCell(cell);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** For subclasses that keep things of their own. */
  protected onClose(): void {}

  /** The cell; throws after {@link SyncObject.close}. */
  protected get cell(): LocalCell {
    if (this.#cell === undefined) {
      throw new InvalidStateError(
        `This ${this.constructor.name} was closed: make or open it again.`,
      );
    }
    return this.#cell;
  }

  /**
   * The cell, after {@link SyncObject.close} too: for waits that had begun, which keep it, and for what lies
   * between {@link SyncObject.beginUse} and {@link SyncObject.endUse}.
   */
  protected get words(): LocalCell {
    return this.#words;
  }

  /** Keeps the cell, however this handle is closed meanwhile, until {@link SyncObject.endUse}. @throws when it was closed. */
  protected beginUse(): void {
    void this.cell;
    this.#uses++;
  }

  protected endUse(): void {
    if (--this.#uses === 0 && this.isClosed) closeCell(this.#words);
  }

  protected get isClosed(): boolean {
    return this.#cell === undefined;
  }

  /** Where it is, for those it is sent to; keeps it open until they have it. @internal */
  static handleOf(object: SyncObject): Handle {
    const { index, generation } = object.cell;
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

const lent = new Set<SyncObject>();

/** Keeps an object from being collected while it travels. */
function lend(object: SyncObject): void {
  if (lent.has(object)) return;
  lent.add(object);
  setTimeout(() => lent.delete(object), LENDING_MS).unref();
}

/**
 * Lets instances of a class travel, and show themselves in `console.log`.
 * @param revive - makes an instance of what came.
 */
export function shareable<T extends SyncObject>(
  Class: (abstract new (...args: never[]) => T) & { readonly name: string },
  kind: Kind,
  revive: (arrival: Arrival) => T,
  describe: (self: T) => string,
): void {
  registerOwnClass(
    Class as abstract new () => T,
    `manycore.${Class.name}`,
    (object) => SyncObject.handleOf(object),
    (handle) => revive(new Arrival(handle as Handle, kind)),
  );
  inspectAs(Class as { readonly prototype: T }, describe);
}
