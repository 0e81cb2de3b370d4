import { MessageChannel } from "node:worker_threads";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRingPair, RingChannel } from "../../dist/wire/ring-channel.js";

interface Received {
  readonly frame: unknown[];
  readonly attachments: unknown[] | undefined;
}

/** Two ends in one thread; what arrives at the second one is noted. */
function makePair(): { here: RingChannel; received: Received[]; start: () => Promise<void> } {
  const { port1, port2 } = new MessageChannel();
  const rings = createRingPair();
  const here = new RingChannel(port1, rings.toParent, rings.toChild);
  const there = new RingChannel(port2, rings.toChild, rings.toParent);
  const received: Received[] = [];
  there.onFrame = (frame, attachments) => received.push({ frame, attachments });
  const start = (): Promise<void> =>
    new Promise((resolve) => {
      there.onClose = () => resolve();
      here.start();
      there.start();
    });
  return { here, received, start };
}

type Kind = "small" | "large" | "attached" | "large attached";

function send(channel: RingChannel, kind: Kind, i: number): void {
  const text = kind.startsWith("large") ? "x".repeat(20_000) : "x".repeat(2000);
  if (!kind.endsWith("attached")) return channel.send([i, text]);
  const buffer = Uint8Array.of(i).buffer;
  channel.send([i, text], [buffer], [buffer]);
}

describe("RingChannel", () => {
  test("frames of all kinds keep their order and their attachments, also when the ring is full", async () => {
    const kinds = fc.array(fc.constantFrom<Kind>("small", "large", "attached", "large attached"), {
      minLength: 1,
      maxLength: 250,
    });
    await fc.assert(
      fc.asyncProperty(kinds, fc.boolean(), async (list, late) => {
        const { here, received, start } = makePair();
        const ended = late ? undefined : start();
        list.forEach((kind, i) => send(here, kind, i & 0xff));
        // The other side has read nothing yet: what found no room must not be lost by the close.
        here.close();
        await (ended ?? start());
        expect(received.map(({ frame }) => frame[0])).toEqual(list.map((_, i) => i & 0xff));
        for (const [i, { attachments }] of received.entries()) {
          const bytes = attachments?.map((it) => new Uint8Array(it as ArrayBuffer)[0]);
          expect(bytes).toEqual(list[i]?.endsWith("attached") ? [i & 0xff] : undefined);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("what cannot be posted is an error, and the other side still wakes for the next", async () => {
    const { here, received, start } = makePair();
    const ended = start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => here.send([1], [() => {}])).toThrow("could not be cloned");
    here.send([2]);
    here.close();
    await ended;
    expect(received.map(({ frame }) => frame)).toEqual([[2]]);
  });
});
