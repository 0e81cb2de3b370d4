import { captureScope } from "../util/async-scope.ts";
import { type Address, Listener } from "../connection/index.ts";
import { onAbort } from "../util/abort.ts";
import { EndOfStreamError, InvalidStateError, TimeoutError } from "../errors/index.ts";
import { processIdentity } from "../process/identity.ts";
import { isClass, resolveTask } from "../task/index.ts";
import { crypto } from "../util/builtin.ts";
import { deferred } from "../util/deferred.ts";
import { setTimer } from "../util/timer.ts";
import { isThenable } from "../util/thenable.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import { Call, waitInCall } from "./call.ts";
import { contextOf, withCallContext } from "./call-context.ts";
import { CATALOGUE } from "./catalogue.ts";
import { addServer, removeServer } from "./servers.ts";
import type { CallOptions, Host } from "./host.ts";
import { Grant, grantIterator, isIterator } from "./objects/iterator.ts";
import { SharedMemoryTracker } from "./objects/shared-memory-tracker.ts";
import { handleOf } from "./object-proxy.ts";
import { Outgoing } from "./outgoing.ts";
import { exposedMethods } from "./public-methods.ts";
import { type Holder, type RefEntry, RefTable } from "./ref-table.ts";
import type { NamedRegistration } from "./registry.ts";
import { type ServerContext, serverContext } from "./server-context.ts";
import { Session } from "./session.ts";

/** Settings of a server. */
export interface ServerSettings {
  readonly address: Address | undefined;
  /** Undefined: the key of this family of processes. */
  readonly authKey: Uint8Array | undefined;
  readonly registrations: readonly NamedRegistration[];
  /** Clients may name functions to run in the server. */
  readonly functions: boolean;
  readonly maxBytes: number | undefined;
  readonly handOverTimeout: number;
}

/** A registered class or function, found again. */
interface OwnKind {
  readonly callable: Function;
  readonly exposed: readonly string[] | undefined;
  readonly grants: ReadonlyMap<string, string>;
}

const NO_GRANTS: ReadonlyMap<string, string> = new Map();

/** Listens, and keeps the objects of all clients. */
export class ManagerServer implements Host {
  readonly server: string = crypto().randomBytes(16).toString("hex");
  readonly key: Uint8Array | undefined;
  readonly refTable: RefTable = new RefTable((entry) => this.#drop(entry));
  /** Settles when the server has ended. */
  readonly closed: Promise<void>;
  /** The session for which a result is being written: proxies in it are held for that one. */
  receiver: Holder | undefined;
  readonly #settings: ServerSettings;
  readonly #listener: Listener;
  readonly #kinds: ReadonlyMap<string, OwnKind>;
  readonly #sessions = new Set<Session>();
  /** The references of this process itself. */
  readonly #self: Holder = { refs: new Map() };
  readonly #owned = new WeakSet<object>();
  readonly #tracker = new SharedMemoryTracker();
  readonly #context: ServerContext;
  readonly #ended = deferred<void>();
  #lastClient = 0;

  private constructor(
    settings: ServerSettings,
    listener: Listener,
    kinds: ReadonlyMap<string, OwnKind>,
  ) {
    this.#settings = settings;
    this.#listener = listener;
    this.#kinds = kinds;
    this.key = settings.authKey;
    this.#context = serverContext(settings.functions, this.#tracker, (proxy) => {
      const handle = handleOf(proxy);
      return handle?.host === this ? this.refTable.get(handle.id)?.object : undefined;
    });
    this.closed = this.#ended.promise;
    addServer(this);
    void this.#accept();
  }

  /** The `maxBytes` it was told. */
  get maxBytes(): number | undefined {
    return this.#settings.maxBytes;
  }

  /** @throws what the registered modules throw, or the system's error when it cannot listen there. */
  static async listen(settings: ServerSettings): Promise<ManagerServer> {
    const kinds = new Map<string, OwnKind>();
    for (const { name, callable, exposed, grants } of settings.registrations) {
      kinds.set(name, {
        callable: await resolveTask(callable),
        exposed,
        grants: new Map(Object.entries(grants)),
      });
    }
    const listener = await Listener.listen({
      address: settings.address,
      authKey: settings.authKey ?? processIdentity().authKey,
      maxBytes: settings.maxBytes,
    });
    return new ManagerServer(settings, listener, kinds);
  }

  get address(): Address {
    return this.#listener.address;
  }

  /** Lets everybody go and ends. */
  async close(): Promise<void> {
    if (this.#listener.closed) return this.closed;
    this.#listener.close();
    removeServer(this);
    this.#tracker.removeAll();
    for (const session of this.#sessions) session.end();
    const owned = [...this.refTable.all()].filter(({ object }) => this.#owned.has(object));
    await Promise.all(owned.map(({ object }) => dispose(object)));
    this.#ended.resolve();
  }

  /** Has an object made for a client. */
  async make(kind: string, args: unknown[]): Promise<Outgoing> {
    const own = this.#kinds.get(kind);
    if (own !== undefined) {
      const { callable } = own;
      const object: unknown = isClass(callable)
        ? Reflect.construct(callable, args)
        : await Reflect.apply(callable, undefined, args);
      if (isClass(callable)) this.#owned.add(object as object);
      return this.grant(kind, object);
    }
    const builtIn = CATALOGUE.get(kind);
    if (builtIn === undefined) {
      const names = [...this.#kinds.keys()].join(", ") || "nothing";
      throw new InvalidStateError(
        `The manager's server knows no ${JSON.stringify(kind)}; registered before its start: ${names}.`,
      );
    }
    const make = builtIn.make as (
      context: ServerContext,
      ...rest: unknown[]
    ) => object | Promise<object>;
    const object = await make(this.#context, ...args);
    this.#owned.add(object);
    return this.grant(kind, object);
  }

  /** Gives an object to a client as an object of its own. */
  grant(kind: string, object: unknown): Outgoing {
    if (typeof object !== "object" || object === null) {
      throw new TypeError(
        `Expected ${kind} to be an object that can be shared, got ${typeof object}`,
      );
    }
    const builtIn = CATALOGUE.get(kind);
    const own = this.#kinds.get(kind);
    if (builtIn === undefined && own === undefined) {
      throw new InvalidStateError(`Nothing was registered as ${JSON.stringify(kind)}.`);
    }
    if (kind === "iterator") this.#owned.add(object);
    const entry = this.refTable.enter(object, {
      kind,
      methods: builtIn?.methods ?? new Set(exposedMethods(object, own?.exposed)),
      isBuiltIn: builtIn !== undefined,
      grants: own?.grants ?? NO_GRANTS,
    });
    return new Outgoing(this, entry);
  }

  /** Calls a method of an object. */
  invoke(entry: RefEntry, call: Call, method: string, args: unknown[]): unknown {
    if (!entry.methods.has(method)) {
      const known = [...entry.methods].join(", ");
      throw new InvalidStateError(
        `${JSON.stringify(method)} is no method that ${entry.kind} exposes: ${known}.`,
      );
    }
    const { object } = entry;
    const fn = (object as Record<string, Function>)[method]!;
    // A store that one call enters is not seen by the next.
    const scope = captureScope();
    if (entry.isBuiltIn) {
      return this.#outcome(scope.runInAsyncScope(() => Reflect.apply(fn, object, [call, ...args])));
    }
    const { context, abort } = contextOf(call, scope);
    const value: unknown = scope.runInAsyncScope(() =>
      withCallContext(context, () => Reflect.apply(fn, object, args)),
    );
    const wrap = (result: unknown): unknown => this.#wrap(entry, method, result);
    if (!isThenable(value)) return wrap(value);
    const waiting = waitInCall<unknown>(call, {
      onTimeout: () => {
        const error = new TimeoutError(`${method}() took longer than ${call.timeout} ms.`);
        abort(error);
        throw error;
      },
    });
    value.then(waiting.resolve, waiting.reject);
    return waiting.promise.then(wrap);
  }

  async call(
    id: number,
    method: string,
    args: readonly unknown[],
    o: CallOptions = {},
  ): Promise<unknown> {
    if (this.#listener.closed) {
      throw new EndOfStreamError("The manager was shut down, and its objects with it.");
    }
    const entry = this.refTable.held(this.#self, id);
    const call = new Call(0, o.flow ?? 0, o.timeout ?? Infinity);
    o.signal?.throwIfAborted();
    const unwatch = onAbort(o.signal, () => call.end("cancelled"));
    try {
      const result = await this.invoke(entry, call, method, copy([...args]) as unknown[]);
      return copy(result);
    } catch (error) {
      if (o.signal?.aborted === true) throw o.signal.reason;
      throw error;
    } finally {
      unwatch();
    }
  }

  retain(id: number, pinId: string): void {
    this.refTable.retain(this.#self, id, pinId);
  }

  release(id: number): void {
    this.refTable.release(this.#self, id);
  }

  pin(id: number, pinId: string): void {
    this.refTable.pin(id, pinId, this.receiver);
  }

  unpin(pinId: string): void {
    this.refTable.unpin(pinId);
  }

  /** A client is gone: nobody will come for what it was sent, somebody may for what it has sent. */
  sessionEnded(session: Session): void {
    this.#sessions.delete(session);
    for (const { object } of this.refTable.all()) {
      (object as { clientGone?: (client: number) => void }).clientGone?.(session.id);
    }
    for (const pinId of this.refTable.pinsOf(session)) this.unpin(pinId);
    const sent = this.refTable.pinsOf(session.sent);
    if (sent.length > 0) {
      setTimer(() => {
        for (const pinId of sent) this.unpin(pinId);
      }, this.#settings.handOverTimeout)?.unref();
    }
    this.refTable.releaseAll(session);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      const session = new Session(this, connection, ++this.#lastClient);
      this.#sessions.add(session);
      session.start();
    }
  }

  #outcome(value: unknown): unknown {
    if (isThenable(value)) return Promise.resolve(value).then((result) => this.#outcome(result));
    return value instanceof Grant ? this.grant(value.kind, value.object) : value;
  }

  #wrap(entry: RefEntry, method: string, result: unknown): unknown {
    const kind = entry.grants.get(method);
    if (kind !== undefined && result != null) return this.grant(kind, result);
    return isIterator(result) ? this.#outcome(grantIterator(result)) : result;
  }

  #drop({ object }: RefEntry): void {
    if (!this.#owned.has(object)) return;
    dispose(object).catch((error: unknown) => {
      // Nobody waits for it: as with any error that nobody catches, the process says so.
      process.emitWarning(error as Error);
    });
  }
}

/** Ends what an object holds, if it knows how. */
async function dispose(object: object): Promise<void> {
  const { [Symbol.asyncDispose]: asyncDispose, [Symbol.dispose]: disposeNow } = object as Partial<
    AsyncDisposable & Disposable
  >;
  if (asyncDispose !== undefined) await asyncDispose.call(object);
  else disposeNow?.call(object);
}

/** Copies arguments and results of a call within the server's process, as a connection would. */
function copy(value: unknown): unknown {
  const { bytes, attachments } = encodeValue(value, { destination: "process", root: "args" });
  return decodeValue(bytes, attachments);
}
