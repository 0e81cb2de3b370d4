import type { Address } from "../connection/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";

/** Options of a call. */
export interface CallOptions extends WaitOptions {
  /** The async flow that holds RLocks. */
  readonly flow?: number;
}

/** The server of a proxy, as the proxy sees it: over a connection, or right here. */
export interface Host {
  /** Which server it is. */
  readonly server: string;
  readonly address: Address;
  /** The key, unless it is that of this family of processes. */
  readonly key: Uint8Array | undefined;
  call(
    id: number,
    method: string,
    args: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown>;
  retain(id: number, pinId: string): void;
  release(id: number): void;
  /** Holds an object for a proxy that leaves here. */
  pin(id: number, pinId: string): void;
  unpin(pinId: string): void;
}

/** A reference of this thread to an object; given up once. */
export class Handle {
  readonly host: Host;
  readonly id: number;
  readonly kind: string;
  /** Methods of an own class. */
  readonly methods: readonly string[];
  #isReleased = false;

  constructor(host: Host, id: number, kind: string, methods: readonly string[]) {
    this.host = host;
    this.id = id;
    this.kind = kind;
    this.methods = methods;
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.host.release(this.id);
  }
}

/** The proxies of this thread that are forgotten without having been released. */
const forgotten: FinalizationRegistry<Handle> = new FinalizationRegistry((handle) =>
  handle.release(),
);

/** Releases a handle at the latest when its proxy is forgotten. */
export function releaseWith(proxy: object, handle: Handle): void {
  forgotten.register(proxy, handle, handle);
}

/** Releases a handle now. */
export function releaseNow(handle: Handle): void {
  forgotten.unregister(handle);
  handle.release();
}
