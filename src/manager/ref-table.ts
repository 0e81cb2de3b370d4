import { InvalidStateError } from "../errors/index.ts";

/** An object that clients have proxies for. */
export interface RefEntry {
  readonly id: number;
  readonly kind: string;
  readonly object: object;
  /** Methods that clients may call. */
  readonly methods: ReadonlySet<string>;
  /** Of the package itself: its methods take the call as their first argument. */
  readonly isBuiltIn: boolean;
  /** Methods whose results are objects of their own: method → kind. */
  readonly grants: ReadonlyMap<string, string>;
  /** Number of references of clients and pins. */
  count: number;
}

/** A holder of references: a client, or this process itself. */
export interface Holder {
  /** Id of an object → number of references. */
  readonly refs: Map<number, number>;
}

/** Pins whose pin came later than the receiver of the proxy, which is rare; older ones are forgotten. */
const MAX_EARLY = 10_000;

interface Pin {
  readonly entry: RefEntry;
  readonly holder: Holder | undefined;
}

/** The objects of a server, each until nobody holds it any more. */
export class RefTable {
  readonly #byId = new Map<number, RefEntry>();
  readonly #byObject = new Map<object, RefEntry>();
  /** Proxies on their way: what they hold, and for whom. */
  readonly #pins = new Map<string, Pin>();
  readonly #early = new Set<string>();
  readonly #onDrop: (entry: RefEntry) => void;
  #last = 0;

  /** @param onDrop - called when nobody holds an object any more. */
  constructor(onDrop: (entry: RefEntry) => void) {
    this.#onDrop = onDrop;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<RefEntry> {
    return this.#byId.values();
  }

  /** The entry of an object, which is made if need be. Somebody has to hold it before the turn ends. */
  enter(object: object, parts: Omit<RefEntry, "id" | "count" | "object">): RefEntry {
    const present = this.#byObject.get(object);
    if (present?.kind === parts.kind) return present;
    const entry: RefEntry = { ...parts, object, id: ++this.#last, count: 0 };
    this.#byId.set(entry.id, entry);
    this.#byObject.set(object, entry);
    return entry;
  }

  /** @throws InvalidStateError when the holder has no reference to it. */
  held(holder: Holder, id: number): RefEntry {
    const entry = holder.refs.has(id) ? this.#byId.get(id) : undefined;
    if (entry !== undefined) return entry;
    throw new InvalidStateError(
      "The manager has no such object any more: the last proxy was released before this one arrived.",
    );
  }

  get(id: number): RefEntry | undefined {
    return this.#byId.get(id);
  }

  /** Gives a holder a reference; one that is gone stays gone, and calls say so. */
  retain(holder: Holder, id: number, pinId: string | undefined): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    holder.refs.set(id, (holder.refs.get(id) ?? 0) + 1);
    if (pinId !== undefined) {
      // The pin becomes the reference.
      if (this.#pins.delete(pinId)) return;
      this.#early.add(pinId);
      if (this.#early.size > MAX_EARLY) this.#early.delete(this.#early.values().next().value!);
    }
    entry.count++;
  }

  release(holder: Holder, id: number): void {
    const held = holder.refs.get(id);
    if (held === undefined) return;
    if (held === 1) holder.refs.delete(id);
    else holder.refs.set(id, held - 1);
    this.#lessen(this.#byId.get(id), 1);
  }

  /** Holds an object for a proxy that is on its way. @param holder - whose end ends that, too. */
  pin(id: number, pinId: string, holder: Holder | undefined): void {
    if (this.#early.delete(pinId)) return;
    const entry = this.#byId.get(id);
    if (entry === undefined || this.#pins.has(pinId)) return;
    this.#pins.set(pinId, { entry, holder });
    entry.count++;
  }

  /** The proxy will not arrive; no effect when it has. */
  unpin(pinId: string): void {
    const pin = this.#pins.get(pinId);
    if (pin !== undefined && this.#pins.delete(pinId)) this.#lessen(pin.entry, 1);
  }

  pinsOf(holder: Holder): string[] {
    return [...this.#pins].flatMap(([pinId, pin]) => (pin.holder === holder ? [pinId] : []));
  }

  /** Ends all references of a holder. */
  releaseAll(holder: Holder): void {
    for (const [id, held] of holder.refs) this.#lessen(this.#byId.get(id), held);
    holder.refs.clear();
  }

  /** Drops an entry that nobody came to hold. */
  settle(entry: RefEntry): void {
    this.#lessen(entry, 0);
  }

  #lessen(entry: RefEntry | undefined, by: number): void {
    if (entry === undefined) return;
    entry.count -= by;
    if (entry.count > 0 || !this.#byId.delete(entry.id)) return;
    this.#byObject.delete(entry.object);
    this.#onDrop(entry);
  }
}
