import { createRequire } from "node:module";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";

/** A C function; numbers in, numbers out, pointers are bigints or buffers. */
export type ForeignFunction = (...args: unknown[]) => unknown;

/** What is used of koffi's native binding. */
export interface Binding {
  load(path: string | null): { func(definition: string): ForeignFunction };
  view(address: unknown, length: number): ArrayBuffer;
  address(pointer: unknown): bigint;
  errno(): number;
}

/** Platforms for which a prebuilt binding is among this package's optional dependencies. */
const PACKAGES: Readonly<Record<string, string>> = {
  "darwin-arm64": "@koromix/koffi-darwin-arm64",
  "darwin-x64": "@koromix/koffi-darwin-x64",
  "linux-arm64": "@koromix/koffi-linux-arm64",
  "linux-x64": "@koromix/koffi-linux-x64",
};

const STILL_WORKS =
  "Processes, threads, pools, executors and `manycore map` work without it; locks, queues and memory that processes share do not.";

/**
 * Loads the foreign function interface of this platform.
 *
 * The binding packages are self-contained; the package `koffi`, which only chooses between them, has an
 * install script and is left out for that.
 * @throws NotSupportedError where there is none.
 */
export function loadBinding(): Binding {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined) {
    throw new NotSupportedError(
      `Shared memory needs Linux or macOS on x64 or arm64, and this is ${platform}. ${STILL_WORKS}`,
    );
  }
  try {
    return createRequire(import.meta.url)(name) as Binding;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "EMFILE" || /too many open files/i.test((cause as Error).message)) {
      throw new InvalidStateError(
        `Shared memory needs ${name}, and that failed (dlopen: EMFILE): this process has as many files open as it may. Close some, or allow more (ulimit -n).`,
        { cause },
      );
    }
    throw new NotSupportedError(
      `Shared memory needs the package ${name}, which could not be loaded: install without \`--omit=optional\`, on this platform. ${STILL_WORKS}`,
      { cause },
    );
  }
}
