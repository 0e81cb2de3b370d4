import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SerializationError } from "../../dist/errors/index.js";
import { encodeFrame, FrameDecoder } from "../../dist/wire/frames.js";
import { frameLimit } from "../../dist/wire/limits.js";

interface Frame {
  readonly bytes: Uint8Array;
  readonly attachments: Uint8Array[];
}

const small = fc.uint8Array({ maxLength: 40 });
const frames: fc.Arbitrary<Frame[]> = fc.array(
  fc.record({ bytes: small, attachments: fc.array(small, { maxLength: 4 }) }),
  { maxLength: 6 },
);

function collect(options?: { maxBytes?: number }): { decoder: FrameDecoder; got: Frame[] } {
  const got: Frame[] = [];
  const decoder = new FrameDecoder(
    (bytes, attachments = []) => got.push({ bytes, attachments }),
    options,
  );
  return { decoder, got };
}

function hexOf(list: readonly Frame[]): string[] {
  return list.map(({ bytes, attachments }) =>
    [bytes, ...attachments].map((b) => Buffer.from(b).toString("hex")).join("|"),
  );
}

function streamOf(list: readonly Frame[]): Buffer {
  return Buffer.concat(list.flatMap(({ bytes, attachments }) => encodeFrame(bytes, attachments)));
}

/** Cuts at the given places, each piece in memory of its own, as a socket delivers them. */
function cut(stream: Buffer, at: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...at.map((n) => n % (stream.length + 1)), stream.length])].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, i) => Uint8Array.from(stream.subarray(places[i], end)));
}

describe("FrameDecoder", () => {
  test("gives back the frames, however the stream is cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (list, at) => {
        const { decoder, got } = collect();
        for (const piece of cut(streamOf(list), at)) decoder.push(piece);
        expect(hexOf(got)).toEqual(hexOf(list));
        expect(decoder.pending).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("gives back the frames byte by byte", () => {
    const list = [
      { bytes: new Uint8Array(0), attachments: [] },
      {
        bytes: Uint8Array.of(1, 2),
        attachments: [new Uint8Array(0), Uint8Array.of(3), new Uint8Array(0)],
      },
      { bytes: new Uint8Array(0), attachments: [new Uint8Array(0)] },
    ];
    const { decoder, got } = collect();
    for (const byte of streamOf(list)) decoder.push(Uint8Array.of(byte));
    expect(hexOf(got)).toEqual(hexOf(list));
  });

  test("garbage gives a SerializationError or waits for more, and takes little memory", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), (pieces) => {
        const { decoder } = collect({ maxBytes: 1000 });
        try {
          for (const piece of pieces) decoder.push(piece);
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
        }
        expect(decoder.pending).toBeLessThanOrEqual(
          pieces.reduce((sum, piece) => sum + piece.length, 0),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("every attachment has memory of its own", () => {
    const { decoder, got } = collect();
    decoder.push(
      streamOf([
        { bytes: Uint8Array.of(1), attachments: [Uint8Array.of(2), new Uint8Array(100_000)] },
      ]),
    );
    const [one, two] = (got[0] as Frame).attachments as [Uint8Array, Uint8Array];
    expect([one.buffer.byteLength, two.buffer.byteLength]).toEqual([1, 100_000]);
  });

  test("a whole frame within a chunk is handed over without a copy", () => {
    const chunk = streamOf([{ bytes: Uint8Array.of(1, 2, 3), attachments: [] }]);
    const { decoder, got } = collect();
    decoder.push(chunk);
    expect((got[0] as Frame).bytes.buffer).toBe(chunk.buffer);
  });

  test("a frame above the limit is refused before memory is taken, and for good", () => {
    const { decoder } = collect({ maxBytes: 100 });
    const header = Buffer.alloc(4);
    header.writeUInt32BE(101);
    expect(() => decoder.push(header)).toThrow("above the limit of 100");
    expect(() => decoder.push(Uint8Array.of(0))).toThrow(SerializationError);
  });

  test("a header alone does not make it allocate what it announces", () => {
    const header = Buffer.alloc(10);
    header.writeUInt32BE(frameLimit.bytes, 0);
    header.writeUInt16BE(1, 4);
    header.writeUInt32BE(frameLimit.bytes - 6, 6);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 20 }, () => collect().decoder);
    for (const decoder of decoders) decoder.push(header);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 9 * 1024 * 1024);
    expect(decoders.map(({ pending }) => pending)).toEqual(decoders.map(() => 0));
  });

  test("a part of many megabytes grows as it arrives", () => {
    const part = Buffer.alloc(20 * 1024 * 1024, "0123456789");
    const { decoder, got } = collect();
    for (const chunk of encodeFrame(Uint8Array.of(7), [part])) {
      for (let at = 0; at < chunk.length; at += 65_536)
        decoder.push(chunk.subarray(at, at + 65_536));
    }
    const [attachment] = (got[0] as Frame).attachments as [Uint8Array];
    expect(attachment.buffer.byteLength).toBe(part.length);
    expect(part.equals(attachment)).toBe(true);
  });

  test("lengths that contradict each other are refused", () => {
    for (const bytes of [
      [0, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 3, 0, 1],
      [0, 0, 0, 6, 0, 1, 0, 0, 0, 9],
    ]) {
      const { decoder } = collect();
      expect(() => decoder.push(Uint8Array.from(bytes))).toThrow(SerializationError);
    }
  });
});

describe("encodeFrame", () => {
  test("a message and its header are one chunk, attachments are not copied", () => {
    const attachment = new ArrayBuffer(100_000);
    const chunks = encodeFrame(Uint8Array.of(1), [attachment]);
    expect(chunks).toHaveLength(2);
    expect(chunks[1]?.buffer).toBe(attachment);
    expect(encodeFrame(new Uint8Array(100_000))).toHaveLength(2);
  });

  test("what no receiver takes is refused here", () => {
    const half = new Uint8Array(new ArrayBuffer(8));
    expect(() =>
      encodeFrame(
        half,
        Array.from({ length: 65_536 }, () => half),
      ),
    ).toThrow("65536 large buffers");
    const fake = { byteLength: frameLimit.bytes } as ArrayBuffer;
    expect(() => encodeFrame(half, [fake])).toThrow("send it in parts");
  });
});
