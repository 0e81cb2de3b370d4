import { closeSync, fstatSync } from "node:fs";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { openNamelessFile } from "../../dist/util/nameless-file.js";
import { BulkLane } from "../../dist/wire/bulk-lane.js";

const KIB = 1024;
const files: number[] = [];

afterEach(() => {
  for (const fd of files.splice(0)) closeSync(fd);
});

/** The two ends of one lane; the way back is not used. */
function makeLane(): { sender: BulkLane; receiver: BulkLane; fd: number } {
  const fd = openNamelessFile();
  const other = openNamelessFile();
  files.push(fd, other);
  const sender = new BulkLane({ out: fd, in: other });
  return { sender, receiver: new BulkLane({ out: other, in: fd }), fd };
}

function filled(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + seed);
}

describe("BulkLane", () => {
  test("whatever is sent, and however late it is read, arrives as it was", () => {
    const step = fc.oneof(
      fc.record({ send: fc.array(fc.integer({ min: 64, max: 4000 }), { minLength: 1 }) }),
      fc.constant({ read: true }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { sender, receiver } = makeLane();
        const onTheWay: { places: number[]; buffers: Uint8Array[] }[] = [];
        let seed = 0;
        const read = (): void => {
          const next = onTheWay.shift();
          if (next === undefined) return;
          const got = receiver.take(next.places);
          expect(got.map((it) => Buffer.compare(it, next.buffers[got.indexOf(it)]!))).toEqual(
            got.map(() => 0),
          );
          sender.release();
        };
        for (const it of steps) {
          if ("send" in it) {
            const buffers = it.send.map((length) => filled(length * 32, seed++));
            const places = sender.put(buffers);
            if (places !== undefined) onTheWay.push({ places, buffers });
          } else read();
        }
        while (onTheWay.length > 0) read();
        for (const fd of files.splice(0)) closeSync(fd);
      }),
      { numRuns: 50 },
    );
  });

  test("a lane that is never empty stays small all the same", () => {
    const { sender, receiver, fd } = makeLane();
    const waiting: number[][] = [];
    for (let i = 0; i < 200; i++) {
      waiting.push(sender.put([filled(256 * KIB, i)]) as number[]);
      if (waiting.length < 4) continue;
      receiver.take(waiting.shift() as number[]);
      sender.release();
    }
    expect(fstatSync(fd).size).toBeLessThan(3 * 1024 * KIB);
  });

  test("what finds no room is left to the socket, and finds room again later", () => {
    const { sender, receiver } = makeLane();
    const large = new Uint8Array(30 * 1024 * KIB);
    const first = sender.put([large]) as number[];
    expect(sender.put([large])).toBeDefined();
    expect(sender.put([large])).toBeUndefined();
    receiver.take(first);
    sender.release();
    expect(sender.put([large])).toEqual([0, large.length]);
  });
});
