import { moveToCaller } from "../errors/own-frames.ts";
import type { Address } from "../connection/index.ts";
import { placeOf } from "../connection/address.ts";
import { checkKey } from "../connection/handshake.ts";
import type { InitializerArgs } from "../executor/index.ts";
import { InvalidStateError } from "../errors/index.ts";
import type { ElementOf, ElementType } from "../shared/index.ts";
import { isTaskRef, type TaskRef } from "../task/index.ts";
import { badArgument, wrongType } from "../util/argument-error.ts";
import { inspectAs } from "../util/inspectable.ts";
import { checkOptions } from "../util/option-table.ts";
import { staysHere } from "../util/stays-here.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import type { Link } from "./link.ts";
import { linkAt } from "./links.ts";
import type {
  ManagerBarrierOptions,
  ManagerPoolOptions,
  ManagerPriorityQueueOptions,
  ManagerQueueOptions,
} from "./object-options.ts";
import { type ObjectProxy, proxiesOf } from "./object-proxy.ts";
import {
  type DictProxy,
  type ListProxy,
  type NamespaceProxy,
  type SetProxy,
} from "./proxies/containers.ts";
import type {
  ArrayProxy,
  JoinableQueueProxy,
  PoolProxy,
  QueueProxy,
  ValueProxy,
} from "./proxies/data.ts";
import {
  type BarrierProxy,
  type ConditionProxy,
  type EventProxy,
  type LockProxy,
  type RLockProxy,
  type SemaphoreProxy,
} from "./proxies/sync.ts";
import { argumentsFor } from "./maker-arguments.ts";
import { CONNECT, REGISTER, SHUTDOWN } from "./option-tables.ts";
import { addRegistration, nameOf } from "./registry.ts";
import { formatAddress } from "./server-errors.ts";
import { ServerProcess, serverSettings } from "./server-process.ts";
import type { ManagerServer } from "./server.ts";
import type {
  ArgumentsOf,
  MadeBy,
  Maker,
  ManagerConnectOptions,
  ManagerOptions,
  Proxied,
  PublicMethods,
  Registrable,
  RegisterOptions,
} from "./types.ts";

/** A class of managers. */
// oxlint-disable-next-line typescript/no-explicit-any -- a mixin's constructor has to take `any[]`
export type ManagerClass<M = Manager> = new (...args: any[]) => M;

/** Origin of a manager: started, served or connected to. */
interface Origin {
  readonly link: Link;
  readonly started?: ServerProcess | undefined;
  readonly served?: ManagerServer | undefined;
}

/** Given to the constructor by `start()` and its like. */
const ORIGIN: unique symbol = Symbol("origin");

/**
 * A server process with objects that any number of programs use through proxies, also from other machines:
 * dicts, lists, queues, locks, and instances of your own classes. Python's `multiprocessing.Manager`.
 *
 * The server ends with `shutdown()` (or `await using`), and in any case when its starter ends. It ignores
 * Ctrl-C. Calls of one client never hold up those of others: every wait is a wait of its own.
 *
 * @example
 * await using manager = await Manager.start();
 * const seen = await manager.dict<string, number>();
 * await pool.map(crawl, urls.map((url) => [url, seen] as const));
 * console.log(await seen.copy());
 * @example Own classes, with types
 * class Shop extends Manager {
 *   declare Stock: Maker<typeof Stock>;
 * }
 * Shop.register("Stock", Stock);
 * await using shop = await Shop.start();
 * const stock = await shop.Stock("apples");
 * await stock.take(3); // runs in the server
 * @since 0.2.0
 */
export class Manager implements AsyncDisposable {
  static {
    staysHere(Manager, "is a Manager, which cannot travel: send its proxies, or its address");
    inspectAs<Manager>(Manager, (manager) => {
      const { started } = manager.#origin;
      const process = started === undefined ? "" : `, pid ${started.process.pid}`;
      const state = manager.#isEnded ? ", ended" : "";
      return `<${manager.constructor.name} at ${formatAddress(manager.address)}${process}${state}>`;
    });
  }

  readonly #origin: Origin;
  readonly #address: Address;
  #isEnded = false;

  /** @internal Use `start()`, `connect()` or `serve()`. */
  constructor(...args: unknown[]) {
    const given = args[0] as { readonly [ORIGIN]?: Origin } | undefined;
    const origin = given?.[ORIGIN];
    if (origin === undefined) {
      throw badArgument(
        "A manager is made by `await Manager.start()`, or by `await Manager.connect(address)`.",
      );
    }
    this.#origin = origin;
    this.#address = origin.link.address;
  }

  /**
   * Starts a server process and connects to it.
   *
   * **Waiting**: until the server listens.
   *
   * @throws TaskNotFoundError when something registered, or the initializer, is not exported.
   * @throws what the initializer or a module of a registered class throws, or the system's error when the
   *   server cannot listen there.
   * @throws ProcessError when the process cannot be started; a daemon may not start one.
   */
  static async start<M extends Manager, I extends unknown[] = []>(
    this: ManagerClass<M>,
    options: ManagerOptions<I> & InitializerArgs<I> = {} as never,
  ): Promise<M> {
    const started = await ServerProcess.start(this, options as ManagerOptions<never[]>);
    try {
      const { address } = started;
      const link = await linkAt({
        address,
        key: checkKey(options.authKey),
        maxBytes: options.maxBytes,
      });
      return Manager.#make(this, { link, started });
    } catch (error) {
      await started.end();
      throw error;
    }
  }

  /**
   * Connects to a server that somebody else has started, be it on another machine.
   *
   * **Cancellation**: safe.
   *
   * @param address - the `address` of its manager.
   * @throws AuthenticationError when the key is not the server's.
   * @throws TimeoutError after `timeout`.
   * @throws the system's error, such as `ECONNREFUSED` or `ENOENT`, when nobody listens there.
   */
  static async connect<M extends Manager>(
    this: ManagerClass<M>,
    address: Address,
    options: ManagerConnectOptions = {},
  ): Promise<M> {
    placeOf(address);
    checkOptions(options, CONNECT);
    const { authKey, ...rest } = options;
    try {
      const link = await linkAt({ address, key: checkKey(authKey), ...rest });
      return Manager.#make(this, { link });
    } catch (error) {
      const isOurs = error instanceof Error && error !== rest.signal?.reason;
      // oxlint-disable-next-line typescript/unbound-method -- never called: names the frame where the stack begins
      throw isOurs ? moveToCaller(error, Manager.connect) : error;
    }
  }

  /**
   * Runs the server in this process instead of one of its own, which keeps running until `shutdown()`.
   *
   * @throws as `start()`.
   */
  static async serve<M extends Manager, I extends unknown[] = []>(
    this: ManagerClass<M>,
    options: ManagerOptions<I> & InitializerArgs<I> = {} as never,
  ): Promise<M> {
    const settings = await serverSettings(this, options as ManagerOptions<never[]>);
    const { ManagerServer } = await import("./server.ts");
    await options.initializer?.(...((options.initializerArgs ?? []) as I));
    const served = await ManagerServer.listen(settings);
    const link = await linkAt({ address: served.address, key: settings.authKey });
    return Manager.#make(this, { link, served });
  }

  /**
   * Lets servers of this class, and of classes that extend it, make objects of a class of yours.
   *
   * Call it before `start()`. Clients call the object's public methods, and nothing else of it: what begins with
   * `_`, what comes from Object, and getters cannot be reached. Methods may be asynchronous and run side by side.
   * A method that returns a generator gives an iterator.
   *
   * `proxy` gives its proxies methods of their own: a class that extends {@link ObjectProxy} and calls `$call`.
   *
   * @param name - what both sides know it by; the manager gets a method of that name.
   * @param callable - the exported class, or an exported function that makes the object, or always gives the
   *   same one. Clients that do not have it register just the name.
   * @returns this class, with that method in its type.
   * @throws TypeError when managers have something else of that name.
   */
  static register<
    C extends ManagerClass,
    N extends string,
    F extends Registrable,
    const E extends PublicMethods<MadeBy<F>> = PublicMethods<MadeBy<F>>,
    const G extends string = never,
    P extends ObjectProxy = never,
  >(
    this: C,
    name: N,
    callable?: F | TaskRef<ArgumentsOf<F> & unknown[], MadeBy<F>>,
    options: RegisterOptions<E, G, P> = {},
  ): C & ManagerClass<{ readonly [K in N]: [P] extends [never] ? Maker<F, E, G> : Maker<F, P> }> {
    checkOptions(options, REGISTER);
    addRegistration(this, name, callable, options);
    if (options.proxy !== undefined) proxiesOf(options.proxy, name);
    Object.defineProperty(this.prototype, name, {
      value(this: Manager, ...args: unknown[]): Promise<unknown> {
        return this.#create(name, args);
      },
      configurable: true,
    });
    return this as never;
  }

  static #make<M extends Manager>(Class: ManagerClass<M>, origin: Origin): M {
    return new Class({ [ORIGIN]: origin });
  }

  /** Address of the server, for `Manager.connect()`. */
  get address(): Address {
    return this.#address;
  }

  /** Process id of a server that was started here. */
  get pid(): number | undefined {
    return this.#origin.started?.process.pid;
  }

  /** As that of a Process: 0 after `shutdown()`; undefined while the server runs, and if it was not started here. */
  get exitCode(): number | undefined {
    return this.#origin.started?.process.exitCode;
  }

  /** Has an object of a registered class made, by its name or the class itself. */
  create<F extends Registrable>(
    registered: F,
    ...args: ArgumentsOf<F>
  ): Promise<Proxied<MadeBy<F>>>;
  create<T = Record<string, never>>(registered: string, ...args: unknown[]): Promise<Proxied<T>>;
  create(registered: unknown, ...args: unknown[]): Promise<unknown> {
    const isWord = typeof registered === "string";
    if (!isWord && typeof registered !== "function" && !isTaskRef(registered)) {
      const expected = "a registered name, class or function";
      return Promise.reject(wrongType("registered", expected, registered));
    }
    const name = isWord ? registered : nameOf(this.constructor, registered);
    if (name !== undefined) return this.#create(name, args);
    return Promise.reject(
      new InvalidStateError(
        `${this.constructor.name}.register() was not called with this class or function.`,
      ),
    );
  }

  /** @param entries - what it begins with: pairs, a Map, or an object. */
  dict<K = string, V = unknown>(entries?: Iterable<readonly [K, V]>): Promise<DictProxy<K, V>>;
  dict<K extends string = string, V = unknown>(entries: {
    readonly [key: string]: V;
  }): Promise<DictProxy<K, V>>;
  async dict(entries?: unknown): Promise<DictProxy<never, never>> {
    return this.#create("dict", argumentsFor.dict(entries));
  }

  async list<T = unknown>(items?: Iterable<T>): Promise<ListProxy<T>> {
    return this.#create("list", argumentsFor.items(items));
  }

  async set<T = unknown>(items?: Iterable<T>): Promise<SetProxy<T>> {
    return this.#create("set", argumentsFor.items(items));
  }

  async namespace<T extends object = Record<string, unknown>>(
    values?: Partial<T>,
  ): Promise<NamespaceProxy<T>> {
    return this.#create("namespace", argumentsFor.namespace(values));
  }

  /** First in, first out. */
  async queue<T = unknown>(options?: ManagerQueueOptions): Promise<QueueProxy<T>> {
    return this.#create("queue", argumentsFor.queue(options));
  }

  /** Last in, first out. */
  async lifoQueue<T = unknown>(options?: ManagerQueueOptions): Promise<QueueProxy<T>> {
    return this.#create("lifoQueue", argumentsFor.queue(options));
  }

  /** Smallest first, of equal ones the one that came first. */
  async priorityQueue<T = unknown>(
    options: ManagerPriorityQueueOptions<T> = {},
  ): Promise<QueueProxy<T>> {
    return this.#create("priorityQueue", await argumentsFor.priorityQueue(options));
  }

  /** First in, first out, with `taskDone()` and `join()`. */
  async joinableQueue<T = unknown>(options?: ManagerQueueOptions): Promise<JoinableQueueProxy<T>> {
    return this.#create("joinableQueue", argumentsFor.queue(options));
  }

  lock(): Promise<LockProxy> {
    return this.#create("lock", []);
  }

  rlock(): Promise<RLockProxy> {
    return this.#create("rlock", []);
  }

  async semaphore(value = 1): Promise<SemaphoreProxy> {
    return this.#create("semaphore", argumentsFor.semaphore(value));
  }

  async boundedSemaphore(value = 1): Promise<SemaphoreProxy> {
    return this.#create("boundedSemaphore", argumentsFor.semaphore(value));
  }

  event(): Promise<EventProxy> {
    return this.#create("event", []);
  }

  /** @param lock - a lock or rlock of this manager; default: a new rlock. */
  async condition(lock?: LockProxy | RLockProxy): Promise<ConditionProxy> {
    return this.#create("condition", argumentsFor.condition(lock));
  }

  async barrier(parties: number, options: ManagerBarrierOptions = {}): Promise<BarrierProxy> {
    return this.#create("barrier", await argumentsFor.barrier(parties, options));
  }

  /** One number, stored as `type` says: numbers wrap around and are rounded as in typed arrays. */
  async value<T extends ElementType>(
    type: T,
    initial?: ElementOf<T>,
  ): Promise<ValueProxy<ElementOf<T>>> {
    return this.#create("value", argumentsFor.value(type, initial));
  }

  /** @param content - the numbers, or how many zeros. */
  async array<T extends ElementType>(
    type: T,
    content: number | Iterable<ElementOf<T>>,
  ): Promise<ArrayProxy<ElementOf<T>>> {
    return this.#create("array", argumentsFor.array(type, content));
  }

  /** A pool of workers of the server, for all its clients. */
  async pool(options: ManagerPoolOptions = {}): Promise<PoolProxy> {
    return this.#create("pool", argumentsFor.pool(options));
  }

  /** The number of objects of the server. */
  async objectCount(): Promise<number> {
    this.#checkOpen();
    return this.#origin.link.count();
  }

  /**
   * Waits for the end of a server that was started here.
   *
   * @returns its exit code, or undefined when `timeout` passed.
   * @throws InvalidStateError when it was not started here.
   */
  async join(options?: WaitOptions): Promise<number | undefined> {
    const { started } = this.#origin;
    if (started !== undefined) return started.process.join(options);
    throw new InvalidStateError("This manager was not started here, and cannot be joined.");
  }

  /**
   * Ends the server, and all its objects. A second call does nothing.
   *
   * **Waiting**: until the process has ended: by itself within `timeout`, else by SIGTERM, else by SIGKILL.
   *
   * @param options - `timeout` in milliseconds, default 1000.
   * @throws InvalidStateError on a manager from `connect()`: only who started the server ends it.
   */
  async shutdown(options: { readonly timeout?: number | undefined } = {}): Promise<void> {
    checkOptions(options, SHUTDOWN);
    const { started, served } = this.#origin;
    if (started === undefined && served === undefined) {
      throw new InvalidStateError(
        "Only the program that has started the manager can shut it down.",
      );
    }
    this.#leave();
    await started?.end(options.timeout);
    await served?.close();
  }

  /** Shuts the server down if it was started here; else only leaves it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { started, served } = this.#origin;
    if (started === undefined && served === undefined) this.#leave();
    else await this.shutdown();
  }

  #leave(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#origin.link.leave();
  }

  #checkOpen(): void {
    if (this.#isEnded) throw new InvalidStateError("The manager was shut down, or left.");
  }

  async #create<P>(kind: string, args: readonly unknown[]): Promise<P> {
    this.#checkOpen();
    return (await this.#origin.link.create(kind, args)) as P;
  }
}
