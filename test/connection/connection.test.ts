import { getHeapStatistics } from "node:v8";
import { describe, expect, test } from "vitest";
import { inspect } from "node:util";
import { connect, type Connection, Listener, pipe } from "manycore";
import { rejection } from "./kit.ts";

type Pair = [Connection, Connection];

/** The same behaviour whatever carries the bytes. */
const CARRIERS: [string, (options?: { maxBytes?: number }) => Promise<Pair>][] = [
  ["in memory", (options) => Promise.resolve(pipe(options))],
  ["over a Unix socket", (options) => viaListener("unix", options)],
  ["over TCP", (options) => viaListener("tcp", options)],
];

async function viaListener(family: "unix" | "tcp", options?: { maxBytes?: number }): Promise<Pair> {
  const listener = await Listener.listen({ family, ...options });
  const [a, b] = await Promise.all([listener.accept(), connect(listener.address, options)]);
  listener.close();
  return [a, b];
}

const END = { code: "ERR_MANYCORE_END_OF_STREAM" };
const CLOSED = { code: "ERR_MANYCORE_INVALID_STATE" };

describe.each(CARRIERS)("a connection %s", (_name, make) => {
  test("carries values both ways, in order", async () => {
    const [a, b] = await make();
    const date = new Date(7);
    const cyclic: unknown[] = [1n, -0, undefined, new Map([["k", date]]), new Set([null])];
    cyclic.push(cyclic);
    await a.send(cyclic);
    expect(await b.recv()).toEqual(cyclic);
    for (let i = 0; i < 100; i++) void b.send(i);
    for (let i = 0; i < 100; i++) expect(await a.recv()).toBe(i);
    a.close();
    b.close();
  });

  test("large buffers arrive whole and as what they were", async () => {
    const [a, b] = await make();
    const big = new Uint16Array(700_000).map((_, i) => i);
    const sending = a.send({ big, also: big.subarray(5, 9), text: "x".repeat(300_000) });
    const got = (await b.recv()) as { big: Uint16Array; also: Uint16Array; text: string };
    await sending;
    expect(Buffer.compare(new Uint8Array(got.big.buffer), new Uint8Array(big.buffer))).toBe(0);
    expect(got.big).toBeInstanceOf(Uint16Array);
    expect(got.also.buffer).toBe(got.big.buffer);
    expect(got.text.length).toBe(300_000);
    a.close();
    b.close();
  });

  test("bytes keep their boundaries, empty messages too", async () => {
    const [a, b] = await make();
    const messages = [new Uint8Array(0), Buffer.from("abc"), new Uint8Array(100_000).fill(7)];
    const sent = Promise.all(messages.map((message) => a.sendBytes(message)));
    for (const message of messages) {
      const got = await b.recvBytes();
      expect(Buffer.compare(got, message)).toBe(0);
      expect(got.buffer.byteLength).toBe(got.byteLength);
    }
    await sent;
    await a.sendBytes(new Uint8Array([1, 2, 3]).buffer);
    expect(await b.recvBytes()).toEqual(new Uint8Array([1, 2, 3]));
    a.close();
    b.close();
  });

  test("recvBytesInto puts a message in place and gives its length", async () => {
    const [a, b] = await make();
    const target = new Int32Array(4);
    await a.sendBytes(new Uint8Array([1, 0, 0, 0]));
    expect(await b.recvBytesInto(target)).toBe(4);
    await a.sendBytes(new Uint8Array([2, 0, 0, 0]));
    expect(await b.recvBytesInto(target, 8)).toBe(4);
    expect([...target]).toEqual([1, 0, 2, 0]);
    await expect(b.recvBytesInto(target, 17)).rejects.toThrow(RangeError);
    a.close();
    b.close();
  });

  test("recvBytesInto a buffer that is too small gives the message in the error", async () => {
    const [a, b] = await make();
    const target = new Uint8Array(4);
    await a.sendBytes(Buffer.from("too long"));
    const error = await rejection(b.recvBytesInto(target, 1));
    expect(error.code).toBe("ERR_MANYCORE_BUFFER_TOO_SHORT");
    expect(Buffer.from(error.bytes as Uint8Array).toString()).toBe("too long");
    expect([...target]).toEqual([0, 0, 0, 0]);
    await a.send("next");
    expect(await b.recv()).toBe("next");
    a.close();
    b.close();
  });

  test("poll looks once by default and takes nothing", async () => {
    const [a, b] = await make();
    expect(await b.poll()).toBe(false);
    expect(await b.poll({ timeout: -1 })).toBe(false);
    expect(await b.poll({ timeout: 20 })).toBe(false);
    const polling = b.poll({ timeout: Infinity });
    await a.sendBytes(new Uint8Array(0));
    expect(await polling).toBe(true);
    expect(await b.poll()).toBe(true);
    expect(await b.poll()).toBe(true);
    expect(await b.recvBytes()).toEqual(new Uint8Array(0));
    expect(await b.poll()).toBe(false);
    a.close();
    b.close();
  });

  test("three messages of a burst stay three, and poll is true until the last is taken", async () => {
    const [a, b] = await make();
    await Promise.all(["a", "bb", "ccc"].map((text) => a.sendBytes(Buffer.from(text))));
    for (const text of ["a", "bb", "ccc"]) {
      expect(await b.poll({ timeout: 10_000 })).toBe(true);
      expect(Buffer.from(await b.recvBytes()).toString()).toBe(text);
    }
    expect(await b.poll()).toBe(false);
    a.close();
    b.close();
  });

  test("what was sent before a close arrives, then the stream ends", async () => {
    const [a, b] = await make();
    await a.send("last");
    void a.send(new Uint8Array(3_000_000));
    a.close();
    expect(await b.recv()).toBe("last");
    expect(((await b.recv()) as Uint8Array).length).toBe(3_000_000);
    expect(await rejection(b.recv())).toMatchObject(END);
    expect(await b.poll()).toBe(true);
    expect(await rejection(b.recvBytes())).toMatchObject(END);
    expect(await rejection(b.send(1))).toMatchObject(END);
    b.close();
  });

  test("a receive that waits ends when the other end closes", async () => {
    const [a, b] = await make();
    const waiting = rejection(b.recv());
    a.close();
    expect(await waiting).toMatchObject(END);
    b.close();
  });

  test("a closed end refuses everything, and its waits end", async () => {
    const [a, b] = await make();
    const waiting = rejection(a.recv());
    a.close();
    a.close();
    expect(a.closed).toBe(true);
    expect(b.closed).toBe(false);
    expect(await waiting).toMatchObject(CLOSED);
    for (const call of [a.send(1), a.recv(), a.poll(), a.sendBytes(new Uint8Array(1))]) {
      expect(await rejection(call)).toMatchObject(CLOSED);
    }
    b.close();
  });

  test("a wait for a message ends in time or by its signal, and takes nothing", async () => {
    const [a, b] = await make();
    expect(await rejection(b.recv({ timeout: 10 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    expect(await rejection(b.recv({ timeout: 0 }))).toMatchObject({ code: "ERR_MANYCORE_TIMEOUT" });
    const gone = new AbortController();
    const waiting = rejection(b.recv({ signal: gone.signal }));
    const second = b.recv();
    gone.abort(new Error("enough"));
    expect(await waiting).toMatchObject({ message: "enough" });
    await a.send("kept");
    expect(await second).toBe("kept");
    expect(await rejection(b.recv({ signal: gone.signal }))).toMatchObject({ message: "enough" });
    expect(await rejection(b.recv({ timeout: Number.NaN }))).toBeInstanceOf(RangeError);
    a.close();
    b.close();
  });

  test("receives get the messages in the order of the calls", async () => {
    const [a, b] = await make();
    const received = Promise.all([b.recv(), b.recv(), b.recv()]);
    for (const value of [1, 2, 3]) await a.send(value);
    expect(await received).toEqual([1, 2, 3]);
    a.close();
    b.close();
  });

  test("a sender waits for a receiver that is behind; memory is bounded", async () => {
    const [a, b] = await make();
    const chunk = new Uint8Array(256 * 1024);
    let accepted = 0;
    const sending = (async () => {
      for (let i = 0; i < 400; i++) {
        await a.sendBytes(chunk);
        accepted++;
      }
    })();
    // Until nothing moves any more.
    for (let seen = -1; seen !== accepted;) {
      seen = accepted;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(accepted).toBeLessThan(60);
    expect(getHeapStatistics().external_memory).toBeLessThan(100 * 1024 * 1024);
    for (let i = 0; i < 400; i++) expect((await b.recvBytes()).length).toBe(chunk.length);
    await sending;
    a.close();
    b.close();
  });

  test("a send gives up its wait after the timeout, and the message still arrives", async () => {
    const [a, b] = await make();
    const first = rejection(
      (async () => {
        for (;;) await a.sendBytes(new Uint8Array(1_000_000).fill(1), { timeout: 50 });
      })(),
    );
    expect(await first).toMatchObject({ code: "ERR_MANYCORE_TIMEOUT" });
    a.close();
    let bytes = 0;
    await rejection(
      (async () => {
        for (;;) bytes += (await b.recvBytes()).length;
      })(),
    );
    expect(bytes % 1_000_000).toBe(0);
    expect(bytes).toBeGreaterThan(0);
    b.close();
  });

  test("values that cannot travel are refused, and nothing is sent", async () => {
    const [a, b] = await make();
    expect(await rejection(a.send({ f: [() => {}] }))).toMatchObject({
      code: "ERR_MANYCORE_SERIALIZATION",
      path: "value.f[0]",
    });
    await expect(a.sendBytes("text" as never)).rejects.toThrow(TypeError);
    await a.send(1);
    expect(await b.recv()).toBe(1);
    a.close();
    b.close();
  });

  test("bytes that are no value are refused, and the next message is read", async () => {
    const [a, b] = await make();
    for (const bytes of [[9, 9], [2, 0], [2, 0, 0, 0, 9, 1], [], [2, 0, 0, 0, 0, 0, 0, 0, 9]]) {
      await a.sendBytes(new Uint8Array(bytes));
      expect(await rejection(b.recv())).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION" });
    }
    await a.send("fine");
    expect(await b.recv()).toBe("fine");
    a.close();
    b.close();
  });

  test("a message above maxBytes ends the connection", async () => {
    const [a, b] = await make({ maxBytes: 1000 });
    await a.sendBytes(new Uint8Array(1000));
    expect((await b.recvBytes()).length).toBe(1000);
    a.sendBytes(new Uint8Array(1001)).catch(() => {});
    expect(await rejection(b.recvBytes())).toMatchObject({
      code: "ERR_MANYCORE_SERIALIZATION",
      message: expect.stringContaining("limit of 1000") as string,
    });
    expect(await rejection(a.recv())).toMatchObject(END);
    a.close();
    b.close();
  });

  test("async iteration gives the values until the end", async () => {
    const [a, b] = await make();
    for (const value of ["x", "y"]) await a.send(value);
    a.close();
    const got: unknown[] = [];
    for await (const value of b) got.push(value);
    expect(got).toEqual(["x", "y"]);
    b[Symbol.dispose]();
    expect(b.closed).toBe(true);
  });

  test("an end of a connection is sent through it", async () => {
    const [a, b] = await make();
    const [inner, left] = pipe();
    await a.send({ inner });
    const { inner: got } = (await b.recv()) as { inner: Connection };
    await left.send("through");
    expect(await got.recv()).toBe("through");
    expect(inspect(inner)).toBe("<Connection readable writable sent>");
    for (const end of [a, b, left, got]) end.close();
  });
});

describe("pipe", () => {
  test("with duplex: false the first end only receives, the second only sends", async () => {
    const [reader, writer] = pipe({ duplex: false });
    expect([reader.readable, reader.writable]).toEqual([true, false]);
    expect([writer.readable, writer.writable]).toEqual([false, true]);
    expect(await rejection(reader.send(1))).toMatchObject(CLOSED);
    expect(await rejection(writer.recv())).toMatchObject(CLOSED);
    expect(await rejection(writer.poll())).toMatchObject(CLOSED);
    await writer.send(1);
    expect(await reader.recv()).toBe(1);
    expect(inspect(reader)).toBe("<Connection readable open>");
    await writer[Symbol.asyncDispose]();
    expect(await rejection(reader.recv())).toMatchObject(END);
    expect(inspect(reader)).toBe("<Connection readable ended>");
    reader.close();
  });

  test("refuses options of the wrong kind", () => {
    expect(() => pipe({ maxBytes: 0 })).toThrow(RangeError);
    expect(() => pipe({ duplex: 1 as never })).toThrow(TypeError);
  });

  test("the receiver's bytes are its own, whatever the sender does with his", async () => {
    const [a, b] = pipe();
    const bytes = new Uint8Array(50_000).fill(1);
    await a.sendBytes(bytes);
    bytes.fill(2);
    expect((await b.recvBytes()).every((byte) => byte === 1)).toBe(true);
    a.close();
    b.close();
  });
});
