import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRing, RING_BYTES, RingReader, RingWriter } from "../../dist/wire/spsc-ring.js";

function pair(): [RingWriter, RingReader] {
  const memory = createRing();
  return [new RingWriter(memory), new RingReader(memory)];
}

function drain(reader: RingReader): (Uint8Array | undefined)[] {
  const frames: (Uint8Array | undefined)[] = [];
  expect(reader.drain((each) => frames.push(each))).toBe(frames.length);
  return frames;
}

/** A frame that shows where it was torn. */
function frame(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seed + i) % 256);
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);

describe("the ring between two threads", () => {
  test("is a queue of frames: in order, whole, and full exactly when they do not fit", () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 40_000 }));
    const command = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant("write" as const), length }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("mark" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("drain" as const) }) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const [writer, reader] = pair();
        let model: (Uint8Array | undefined)[] = [];
        let used = 0;
        const expectDrained = (): void => {
          const got = drain(reader);
          expect(got.length).toBe(model.length);
          expect(got.every((each, i) => same(each, model[i]))).toBe(true);
          model = [];
          used = 0;
        };
        commands.forEach((step, seed) => {
          if (step.do === "drain") {
            expectDrained();
            return;
          }
          const bytes = step.do === "write" ? frame(step.length, seed) : undefined;
          const needed = 4 + Math.ceil((bytes?.length ?? 0) / 4) * 4;
          const fits = used + needed <= RING_BYTES;
          expect(writer.write(bytes, false)).toBe(fits);
          if (!fits) return;
          model.push(bytes);
          used += needed;
        });
        expectDrained();
      }),
      { numRuns: 150 },
    );
  });

  test("frames that wrap around the end stay whole, for many times the size of the ring", () => {
    const [writer, reader] = pair();
    let written = 0;
    for (let i = 0; written < RING_BYTES * 5; i++) {
      const bytes = frame((i * 7919) % 12_000, i);
      expect(writer.write(bytes, false)).toBe(true);
      written += bytes.length;
      expect(drain(reader).every((each) => same(each, bytes))).toBe(true);
    }
  });

  test("what was handed over stays as it was when the ring goes on", () => {
    const [writer, reader] = pair();
    writer.write(frame(1000, 1), false);
    const [kept] = drain(reader);
    for (let i = 0; i < 500; i++) {
      writer.write(frame(1000, i), false);
      drain(reader);
    }
    expect(same(kept, frame(1000, 1))).toBe(true);
  });

  test("exactly one side has to wake the other", () => {
    const [writer, reader] = pair();
    // The reader begins asleep.
    writer.write(frame(1, 1), false);
    expect([writer.mustWake(), writer.mustWake()]).toEqual([true, false]);
    expect(drain(reader).length).toBe(1);
    expect(reader.park()).toBe(true);
    writer.write(frame(1, 2), false);
    expect([writer.mustWake(), writer.mustWake()]).toEqual([true, false]);
    drain(reader);
    writer.write(frame(1, 3), false);
    expect(reader.park()).toBe(false);
    expect(writer.mustWake()).toBe(false);
    expect(drain(reader).length).toBe(1);
  });

  test("a writer without room is told once there is some", () => {
    const [writer, reader] = pair();
    while (writer.write(frame(16_000, 0), false));
    expect(reader.mustFeed()).toBe(false);
    writer.starve();
    drain(reader);
    expect([reader.mustFeed(), reader.mustFeed()]).toEqual([true, false]);
    expect(writer.write(frame(16_000, 0), false)).toBe(true);
  });
});
