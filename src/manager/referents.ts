import { InvalidStateError } from "../errors/index.ts";

/** An object that clients have proxies for. */
export interface Referent {
  readonly id: number;
  readonly kind: string;
  readonly object: object;
  /** What clients may call. */
  readonly methods: ReadonlySet<string>;
  /** Of the package itself: its methods take the call as their first argument. */
  readonly isBuiltIn: boolean;
  /** What methods give as objects of their own: method → kind. */
  readonly grants: ReadonlyMap<string, string>;
  /** How many hold it: references of clients, proxies on their way. */
  count: number;
}

/** Who holds references. */
export interface Holder {
  /** Referent → how many. */
  readonly refs: Map<number, number>;
}

/** Tickets whose pin came later than the receiver of the proxy, which is rare; older ones are forgotten. */
const MAX_EARLY = 10_000;

interface Pin {
  readonly referent: Referent;
  readonly holder: Holder | undefined;
}

/** The objects of a server, each until nobody holds it any more. */
export class Referents {
  readonly #byId = new Map<number, Referent>();
  readonly #byObject = new Map<object, Referent>();
  /** Proxies on their way: what they hold, and for whom. */
  readonly #pins = new Map<string, Pin>();
  readonly #early = new Set<string>();
  readonly #onDrop: (referent: Referent) => void;
  #last = 0;

  /** @param onDrop - called when nobody holds an object any more. */
  constructor(onDrop: (referent: Referent) => void) {
    this.#onDrop = onDrop;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<Referent> {
    return this.#byId.values();
  }

  /** The entry of an object, which is made if need be. Somebody has to hold it before the turn ends. */
  enter(object: object, parts: Omit<Referent, "id" | "count" | "object">): Referent {
    const present = this.#byObject.get(object);
    if (present?.kind === parts.kind) return present;
    const referent: Referent = { ...parts, object, id: ++this.#last, count: 0 };
    this.#byId.set(referent.id, referent);
    this.#byObject.set(object, referent);
    return referent;
  }

  /** @throws {@link InvalidStateError} when the holder has no reference to it. */
  held(holder: Holder, id: number): Referent {
    const referent = holder.refs.has(id) ? this.#byId.get(id) : undefined;
    if (referent !== undefined) return referent;
    throw new InvalidStateError(
      "The manager has no such object any more: the last proxy was released before this one arrived.",
    );
  }

  get(id: number): Referent | undefined {
    return this.#byId.get(id);
  }

  /** Gives a holder a reference; one that is gone stays gone, and calls say so. */
  retain(holder: Holder, id: number, ticket: string | undefined): void {
    const referent = this.#byId.get(id);
    if (referent === undefined) return;
    holder.refs.set(id, (holder.refs.get(id) ?? 0) + 1);
    if (ticket !== undefined) {
      // The pin becomes the reference.
      if (this.#pins.delete(ticket)) return;
      this.#early.add(ticket);
      if (this.#early.size > MAX_EARLY) this.#early.delete(this.#early.values().next().value!);
    }
    referent.count++;
  }

  release(holder: Holder, id: number): void {
    const held = holder.refs.get(id);
    if (held === undefined) return;
    if (held === 1) holder.refs.delete(id);
    else holder.refs.set(id, held - 1);
    this.#lessen(this.#byId.get(id), 1);
  }

  /** Holds an object for a proxy that is on its way. @param holder - whose end ends that, too. */
  pin(id: number, ticket: string, holder: Holder | undefined): void {
    if (this.#early.delete(ticket)) return;
    const referent = this.#byId.get(id);
    if (referent === undefined || this.#pins.has(ticket)) return;
    this.#pins.set(ticket, { referent, holder });
    referent.count++;
  }

  /** The proxy will not arrive; no effect when it has. */
  unpin(ticket: string): void {
    const pin = this.#pins.get(ticket);
    if (pin !== undefined && this.#pins.delete(ticket)) this.#lessen(pin.referent, 1);
  }

  pinsOf(holder: Holder): string[] {
    return [...this.#pins].flatMap(([ticket, pin]) => (pin.holder === holder ? [ticket] : []));
  }

  /** Ends all references of a holder. */
  releaseAll(holder: Holder): void {
    for (const [id, held] of holder.refs) this.#lessen(this.#byId.get(id), held);
    holder.refs.clear();
  }

  /** Drops an entry that nobody came to hold. */
  settle(referent: Referent): void {
    this.#lessen(referent, 0);
  }

  #lessen(referent: Referent | undefined, by: number): void {
    if (referent === undefined) return;
    referent.count -= by;
    if (referent.count > 0 || !this.#byId.delete(referent.id)) return;
    this.#byObject.delete(referent.object);
    this.#onDrop(referent);
  }
}
