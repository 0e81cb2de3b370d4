import { writeSync } from "node:fs";
import type { Writable } from "node:stream";

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Lets a standard stream of a worker write to the process's descriptor itself, before the call returns.
 *
 * Node hands a thread's output to the main thread, which writes it whenever it gets to it: lines are
 * lost when the thread or the process ends, and come late and out of order while the main thread is
 * busy (nodejs/node#30491). A process keeps back what a full pipe does not take, and loses it when it
 * is killed or calls `process.exit`. Written directly, what was printed before a crash is there.
 */
function writeDirectly(stream: NodeJS.WriteStream, fd: number): void {
  const target = stream as unknown as Pick<Writable, "_write" | "_writev">;
  target._write = (chunk: Uint8Array | string, encoding, done) => {
    done(writeWhole(fd, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk));
  };
  target._writev = (chunks, done) => {
    for (const { chunk, encoding } of chunks) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
      const error = writeWhole(fd, bytes as Uint8Array);
      if (error !== null) return done(error);
    }
    return done();
  };
}

/** {@link writeDirectly} for one of this process's own streams, once it is used: making it takes time. */
export function writeDirectlyOnUse(name: "stdout" | "stderr", fd: number): void {
  const original = Object.getOwnPropertyDescriptor(process, name);
  if (original?.get === undefined) return;
  Object.defineProperty(process, name, {
    ...original,
    get: () => {
      Object.defineProperty(process, name, original);
      const stream = process[name];
      // A terminal is written to directly anyway.
      if (!stream.isTTY) writeDirectly(stream, fd);
      return stream;
    },
  });
}

function writeWhole(fd: number, bytes: Uint8Array): Error | null {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return error as Error;
      // A pipe somebody made non-blocking is full: its reader needs a moment.
      Atomics.wait(pause, 0, 0, 1);
    }
  }
  return null;
}
