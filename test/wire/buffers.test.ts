import { MessageChannel } from "node:worker_threads";
import { createSecretKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodeValue, encodeValue } from "../../dist/wire/codec.js";
import { viaProcess, viaThread } from "./round-trip.ts";
import { difference } from "./same-graph.ts";

const LARGE = 64 * 1024;
/** The types of ES2023 without the DOM do not name it. */
const { Module } = (
  globalThis as unknown as { WebAssembly: { Module: new (code: Uint8Array) => object } }
).WebAssembly;
const both = [
  ["a process", viaProcess],
  ["a thread", viaThread],
] as const;

function filled(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7);
}

describe.each(both)("buffers on their way to %s", (_, via) => {
  test("all kinds of views arrive, small and large", () => {
    for (const size of [0, 8, 64, LARGE - 8, LARGE, LARGE * 3]) {
      const bytes = filled(size);
      const value = [
        Buffer.from(bytes),
        new DataView(bytes.slice().buffer),
        ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array].map(
          (View) => new View(bytes.slice().buffer),
        ),
        ...[Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array].map(
          (View) => new View(bytes.slice().buffer),
        ),
        bytes.slice().buffer,
      ];
      const got = via(value) as typeof value;
      got.forEach((item, i) => {
        const sent = value[i] as Uint8Array;
        expect(Object.prototype.toString.call(item)).toBe(Object.prototype.toString.call(sent));
        const [a, b] = [item, sent].map((x) =>
          Buffer.from(
            ArrayBuffer.isView(x)
              ? new Uint8Array(x.buffer, x.byteOffset, x.byteLength)
              : new Uint8Array(x),
          ),
        );
        expect(b?.equals(a as Buffer)).toBe(true);
      });
      expect(Buffer.isBuffer(got[0])).toBe(true);
    }
  });

  test("views of one buffer arrive as views of one buffer", () => {
    for (const size of [64, LARGE * 2]) {
      const buffer = filled(size).buffer;
      const value = [
        new Uint8Array(buffer, 0, 8),
        buffer,
        new Float64Array(buffer, 16, 2),
        new Uint8Array(buffer, 0, 8),
      ];
      const got = via(value) as [Uint8Array, ArrayBuffer, Float64Array, Uint8Array];
      expect(got[0].buffer).toBe(got[1]);
      expect(got[2].buffer).toBe(got[1]);
      expect(got[3].buffer).toBe(got[1]);
      expect(difference(value, got)).toBeUndefined();
      got[0][0] = 99;
      expect(got[3][0]).toBe(99);
    }
  });

  test("a small view of a large buffer does not drag it along", () => {
    const large = new Float64Array(1_000_000).fill(1.5);
    const got = via({ part: large.subarray(1001, 1003) }) as { part: Float64Array };
    expect([...got.part]).toEqual([1.5, 1.5]);
    expect(got.part.buffer.byteLength).toBeLessThan(64);
  });

  test("neighbours in Node's buffer pool stay at home", () => {
    const secret = Buffer.from("secret-of-somebody-else");
    const [one, two] = [Buffer.from("one"), Buffer.from("two")];
    expect(one.buffer).toBe(secret.buffer);
    const { bytes } = encodeValue([one, two], { destination: "process", root: "args" });
    expect(Buffer.from(bytes).includes("secret")).toBe(false);
    const got = via([one, two]) as Buffer[];
    expect(got.map(String)).toEqual(["one", "two"]);
    expect(got[0]?.buffer.byteLength).toBe(3);
  });

  test("what arrives is a copy from the moment of sending", () => {
    const source = filled(LARGE);
    const encoded = encodeValue(source, { destination: "process", root: "args" });
    source.fill(0);
    expect(
      Buffer.from(decodeValue(encoded.bytes, encoded.attachments) as Uint8Array).equals(
        filled(LARGE),
      ),
    ).toBe(true);
  });

  test("a buffer in `transfer` arrives and is detached here", () => {
    for (const size of [16, LARGE * 2]) {
      const moved = filled(size);
      const got = via(
        { data: moved, tail: moved.subarray(4, 8) },
        { transfer: [moved.buffer] },
      ) as Record<string, Uint8Array>;
      expect(moved.byteLength).toBe(0);
      expect(Buffer.from(got["data"] as Uint8Array).equals(filled(size))).toBe(true);
      expect(got["tail"]?.buffer).toBe(got["data"]?.buffer);
      expect(got["tail"]?.byteOffset).toBe(4);
    }
  });

  test("a buffer in `transfer` that is not part of the value is detached too", () => {
    const moved = new ArrayBuffer(8);
    via("nothing", { transfer: [moved] });
    expect(moved.byteLength).toBe(0);
  });

  test("a detached buffer is refused", () => {
    const buffer = new ArrayBuffer(8);
    structuredClone(buffer, { transfer: [buffer] });
    expect(() => via([buffer])).toThrow("args[0] is a detached ArrayBuffer");
  });
});

describe("a `transfer` list", () => {
  test("is checked before anything is moved", () => {
    const first = new ArrayBuffer(8);
    const { port1 } = new MessageChannel();
    for (const [item, reason] of [
      [Buffer.from("pooled"), "transfer[1] lies in the pool"],
      [{}, "transfer[1] cannot be moved"],
      ["text", "transfer[1] cannot be moved"],
      [port1, "transfer[1] is a MessagePort, which only threads can receive"],
    ] as const) {
      expect(() => viaProcess([], { transfer: [first, item] })).toThrow(reason);
    }
    port1.close();
    expect(first.byteLength).toBe(8);
  });

  test("may name views and shared memory", () => {
    const view = filled(16);
    const shared = new SharedArrayBuffer(8);
    const got = viaThread([view, shared], { transfer: [view, shared] }) as [Uint8Array];
    expect([...got[0]]).toEqual([...filled(16)]);
    expect([view.byteLength, shared.byteLength]).toEqual([0, 8]);
  });
});

describe("lent memory", () => {
  test.each(both)("on the way to %s it holds the copies, and what arrives is a copy", (_, via) => {
    const lent: ArrayBufferLike[] = [];
    const lend = (bytes: number): ArrayBufferLike => {
      // More than was asked for, and dirty, as memory is that was used before.
      const isThread = via === viaThread;
      const memory = isThread ? new SharedArrayBuffer(bytes + 64) : new ArrayBuffer(bytes + 64);
      new Uint8Array(memory).fill(0xaa);
      lent.push(memory);
      return memory;
    };
    const bytes = filled(LARGE * 2);
    const value = [bytes.subarray(100), new Uint16Array(filled(LARGE).buffer), filled(10)];
    const got = via(value, { lend }) as [Uint8Array, Uint16Array, Uint8Array];
    expect(lent.length).toBe(2);
    for (const memory of lent) new Uint8Array(memory).fill(0xbb);
    expect(got).toEqual(value);
    expect(got[0].buffer).toBeInstanceOf(ArrayBuffer);
    // Memory in which the rest of the sender's buffer does not lie.
    expect(got[0].buffer.byteLength).toBeLessThan(LARGE * 2);
  });

  test("a message that copies it twice, or more than there is, is refused", () => {
    const memory = new SharedArrayBuffer(LARGE);
    const { bytes } = encodeValue([new Uint8Array(LARGE), new Uint8Array(LARGE)], {
      destination: "thread",
      root: "args",
      lend: (length) => new SharedArrayBuffer(length),
    });
    // The rows are [2, 0, 0, length] and [2, 0, 1, length].
    const second = Buffer.from(bytes).lastIndexOf(Buffer.from([2, 0, 1]));
    const twice = Uint8Array.from(bytes).with(second + 2, 0);
    expect(() => decodeValue(twice, [memory, memory])).toThrow("copies the same memory twice");
    expect(() => decodeValue(bytes, [memory, new SharedArrayBuffer(8)])).toThrow(
      "an attachment is missing",
    );
  });

  test("a message that is sent at once is not copied, for processes", () => {
    const source = filled(LARGE);
    const options = { root: "result", isSentAtOnce: true } as const;
    const direct = encodeValue(source, { destination: "process", ...options });
    const [attached] = direct.attachments as [Uint8Array];
    expect(attached.buffer).toBe(source.buffer);
    const moved = encodeValue(source, { destination: "thread", ...options });
    expect(moved.transfer).toEqual(moved.attachments);
    expect(viaProcess(source, options)).toEqual(source);
  });
});

describe("attachments", () => {
  test("large buffers leave the message, small ones do not", () => {
    const small = encodeValue(new Uint8Array(LARGE - 1), { destination: "process", root: "args" });
    expect(small.attachments).toBeUndefined();
    const large = encodeValue(new Uint8Array(LARGE), { destination: "process", root: "args" });
    expect(large.attachments).toHaveLength(1);
    expect(large.bytes.length).toBeLessThan(50);
    expect(large.transfer).toBeUndefined();
  });

  test("between threads the copy of a large buffer is moved, the original stays", () => {
    const source = new Uint8Array(LARGE);
    const { attachments, transfer } = encodeValue(source, { destination: "thread", root: "args" });
    expect(transfer).toEqual(attachments);
    expect(transfer?.[0]).not.toBe(source.buffer);
    expect(source.byteLength).toBe(LARGE);
  });

  test("shared memory reaches threads as the same memory, and processes not at all", () => {
    const memory = new SharedArrayBuffer(LARGE * 2);
    const [whole, view] = viaThread([memory, new Int32Array(memory, 8, 4)]) as [
      SharedArrayBuffer,
      Int32Array,
    ];
    view[0] = 42;
    expect(new Int32Array(memory)[2]).toBe(42);
    expect(view.buffer).toBe(whole);
    expect(() => viaProcess({ memory })).toThrow("args.memory is memory shared between threads");
    expect(() => viaProcess([new Int32Array(memory)])).toThrow(
      "args[0] is memory shared between threads",
    );
  });

  test("platform objects that can be copied reach threads, and processes not at all", async () => {
    const wasm = new Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    const value = { blob: new Blob(["text"]), key: createSecretKey(Buffer.from("key")), wasm };
    const got = viaThread(value) as typeof value;
    expect(await got.blob.text()).toBe("text");
    expect(got.key.export().toString()).toBe("key");
    expect(got.wasm).toBeInstanceOf(Module);
    for (const [key, item] of Object.entries(value)) {
      expect(() => viaProcess({ [key]: item })).toThrow(`args.${key} is a`);
    }
  });

  test("a MessagePort must be listed in `transfer`, and then it moves", async () => {
    const { port1, port2 } = new MessageChannel();
    expect(() => viaThread([port2])).toThrow("args[0] is a MessagePort, which can only be moved");
    expect(() => viaProcess([port2])).toThrow(
      "args[0] is a MessagePort, which only threads can receive",
    );
    const [got] = viaThread([port2], { transfer: [port2] }) as [typeof port2];
    const heard = new Promise((resolve) => got.once("message", resolve));
    port1.postMessage("hello");
    expect(await heard).toBe("hello");
    port1.close();
    got.close();
  });
});
