import { wrongType } from "../util/argument-error.ts";
import { iterable } from "../util/checks.ts";
import { InvalidStateError } from "../errors/index.ts";
import { WorkerHandle } from "../process/index.ts";
import { waitWithin, timeoutOf, type WaitOptions } from "../util/wait-options.ts";
import type { ChildProcess } from "node:child_process";
import { Readable } from "node:stream";
import type { Connection } from "./connection.ts";
import type { Listener } from "./listener.ts";
import { type Readiness, readinessOf } from "./ready.ts";

/** Objects that {@link waitReady} can wait for. */
export type ReadyObject =
  | Connection<never>
  | Connection<unknown>
  | Listener
  | WorkerHandle<unknown>
  | Readable
  | ChildProcess;

/**
 * Waits until at least one of the objects is ready, as Python's `multiprocessing.connection.wait()`:
 * a connection when a receive would not wait (a message, or the end of the stream), a listener when
 * `accept()` would not wait, a Process or Thread when it has ended, a socket or another stream of Node when
 * `read()` would give something or it has ended, a ChildProcess when it has exited.
 *
 * **Cancellation**: safe; nothing is received or accepted.
 *
 * @param options - `timeout` in milliseconds, 0 and less: looks once.
 * @returns those that are ready, in the order given; none when `timeout` passed.
 * @throws InvalidStateError for a closed object, a sending end, and a process that was not started.
 * @throws TypeError for anything else.
 * @since 0.2.0
 */
export async function waitReady<T extends ReadyObject>(
  objects: Iterable<T>,
  options?: WaitOptions,
): Promise<T[]> {
  const timeout = timeoutOf(options);
  iterable(objects, "objects");
  const list = [...objects].map((object) => ({ object, look: lookAt(object) }));
  const ready = (): T[] => list.filter(({ look }) => look.isReady()).map(({ object }) => object);
  const first = ready();
  if (first.length > 0 || timeout === 0) return first;
  const unwatch: (() => void)[] = [];
  try {
    const woken = new Promise<boolean>((resolve, reject) => {
      for (const { look } of list) {
        unwatch.push(look.watch((error) => (error === undefined ? resolve(true) : reject(error))));
      }
    });
    await waitWithin(woken, { ...options, timeout }, () => false);
    return ready();
  } finally {
    for (const stop of unwatch) stop();
  }
}

function lookAt(object: unknown): Readiness {
  const readiness = readinessOf(object);
  if (readiness !== undefined) return readiness;
  if (object instanceof WorkerHandle) return lookAtChild(object);
  if (object instanceof Readable) return lookAtStream(object);
  if (isChildProcess(object)) return lookAtProgram(object);
  const expected = "Connections, Listeners, Processes, Threads, sockets and ChildProcesses";
  throw wrongType("objects", expected, object);
}

function lookAtChild(child: WorkerHandle<unknown>): Readiness {
  if (child.pid === undefined && child.exitCode === undefined) {
    throw new InvalidStateError(`${child.name} cannot be waited for before it is started.`);
  }
  return {
    isReady: () => child.exitCode !== undefined,
    watch(callback) {
      const giveUp = new AbortController();
      const stop = new Error("No longer waited for.");
      child.join({ signal: giveUp.signal }).then(
        () => callback(),
        (error: unknown) => {
          if (error !== stop) callback(error);
        },
      );
      return () => giveUp.abort(stop);
    },
  };
}

/** Nothing is read: what comes stays in the stream. */
function lookAtStream(stream: Readable): Readiness {
  let isWoken = false;
  return {
    isReady: () =>
      isWoken ||
      stream.readableLength > 0 ||
      stream.readableEnded ||
      stream.destroyed ||
      isAtEnd(stream),
    watch(callback) {
      const done = (): void => {
        isWoken = true;
        callback();
      };
      // Where somebody listens for data, a listener for readiness would keep it from him.
      const events = [stream.readableFlowing === true ? "data" : "readable", "end", "close"];
      for (const event of events) stream.once(event, done);
      return () => {
        for (const event of events) stream.off(event, done);
      };
    },
  };
}

/** The end has arrived, though nobody has read as far as it. */
function isAtEnd(stream: Readable): boolean {
  const { _readableState: state } = stream as { _readableState?: { readonly ended?: boolean } };
  return state?.ended === true;
}

function isChildProcess(object: unknown): object is ChildProcess {
  const { exitCode, signalCode, spawnfile, once } = (object ?? {}) as Partial<ChildProcess>;
  return (
    typeof once === "function" &&
    typeof spawnfile === "string" &&
    exitCode !== undefined &&
    signalCode !== undefined
  );
}

function lookAtProgram(child: ChildProcess): Readiness {
  return {
    isReady: () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined,
    watch(callback) {
      const done = (): void => callback();
      child.once("exit", done);
      return () => void child.off("exit", done);
    },
  };
}
