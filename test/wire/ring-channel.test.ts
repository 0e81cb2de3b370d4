import { MessageChannel, type MessagePort } from "node:worker_threads";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRingPair, RingChannel } from "../../dist/wire/ring-channel.js";

interface Received {
  readonly frame: unknown[];
  readonly attachments: unknown[] | undefined;
}

/** Keeps what is posted until it is released, as a thread does that is interrupted between two instructions. */
class Late {
  readonly #port: MessagePort;
  #messages: [unknown, never][] | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    const post = port.postMessage.bind(port);
    port.postMessage = (message, transfer) => {
      if (this.#messages === undefined) post(message, transfer as never);
      else this.#messages.push([message, transfer as never]);
    };
  }

  get held(): number {
    return this.#messages?.length ?? 0;
  }

  hold(): void {
    this.#messages = [];
  }

  /** Makes the other side look into its ring. */
  wake(): void {
    const kept = this.#messages;
    this.#messages = undefined;
    this.#port.postMessage(null);
    this.#messages = kept;
  }

  release(): void {
    const kept = this.#messages ?? [];
    this.#messages = undefined;
    for (const [message, transfer] of kept) this.#port.postMessage(message, transfer);
  }
}

interface Pair {
  readonly here: RingChannel;
  readonly received: Received[];
  readonly start: () => Promise<void>;
  /** Of what `here` posts. */
  readonly late: Late;
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Two ends in one thread; what arrives at the second one is noted. */
function makePair(): Pair {
  const { port1, port2 } = new MessageChannel();
  const late = new Late(port1);
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
  return { here, received, start, late };
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

  test("a frame whose message is still on its way holds back those behind it", async () => {
    const { here, received, start, late } = makePair();
    const ended = start();
    await turn();
    late.hold();
    send(here, "attached", 1);
    send(here, "small", 2);
    send(here, "large", 3);
    late.wake();
    await turn();
    expect(received).toEqual([]);
    late.release();
    here.close();
    await ended;
    expect(received.map(({ frame }) => frame[0])).toEqual([1, 2, 3]);
  });

  test("a thread that ended between a mark and its message has sent what was before", async () => {
    const { here, received, start, late } = makePair();
    const ended = start();
    await turn();
    send(here, "small", 1);
    late.hold();
    send(here, "attached", 2);
    late.wake();
    here.close();
    await ended;
    expect(received.map(({ frame }) => frame[0])).toEqual([1]);
  });

  test("a reader that sleeps is woken once for what is posted", async () => {
    const { here, start, late } = makePair();
    const ended = start();
    await turn();
    late.hold();
    send(here, "attached", 1);
    send(here, "large", 2);
    expect(late.held).toBe(2);
    late.release();
    here.close();
    await ended;
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
