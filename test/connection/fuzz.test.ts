import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Handshake } from "../../dist/connection/handshake.js";
import { messageHeader, MessageReader } from "../../dist/connection/message-reader.js";
import { decodeMessage } from "../../dist/connection/value-message.js";
import { parseHandoffToken } from "../../dist/connection/handoff-token.js";

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

/** Cuts `whole` at the given places. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...at].map((from, i) => whole.subarray(from, at[i] ?? whole.length));
}

function collector(): { got: Uint8Array[]; reader: MessageReader } {
  const got: Uint8Array[] = [];
  const reader = new MessageReader(
    { onMessage: (message) => got.push(Buffer.from(message)) },
    1 << 20,
  );
  return { got, reader };
}

describe("the reader of messages", () => {
  test("gives the messages as they were, wherever the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(bytes(40_000), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.boolean(),
        (messages, places, direct) => {
          const whole = Buffer.concat(messages.flatMap((m) => [messageHeader(m.length), m]));
          const { got, reader } = collector();
          for (let chunk of cut(whole, places)) {
            // What a large message lacks may also be put where it belongs.
            const { room } = reader;
            if (direct && room !== undefined) {
              const length = Math.min(room.length, chunk.length);
              room.set(chunk.subarray(0, length));
              reader.filled(length);
              chunk = chunk.subarray(length);
            }
            reader.push(chunk);
          }
          expect(got.map((m) => Buffer.from(m).toString("hex"))).toEqual(
            messages.map((m) => Buffer.from(m).toString("hex")),
          );
          expect(reader.unfinishedBytes).toBe(0);
        },
      ),
    );
  });

  test("what is unfinished can be read on by another one", () => {
    fc.assert(
      fc.property(bytes(30_000), fc.nat(), (message, place) => {
        const whole = Buffer.concat([messageHeader(message.length), message]);
        const [first, second] = cut(whole, [place]) as [Uint8Array, Uint8Array?];
        const a = collector();
        const b = collector();
        a.reader.push(first);
        const rest = [...a.reader.takeUnfinished(), second ?? new Uint8Array(0)];
        for (const chunk of rest) b.reader.push(chunk);
        expect([...a.got, ...b.got].map((m) => m.length)).toEqual([message.length]);
      }),
    );
  });

  test("any bytes give messages below the limit, or one lasting error", () => {
    fc.assert(
      fc.property(fc.array(bytes(200), { maxLength: 5 }), (chunks) => {
        const { got, reader } = collector();
        let failure: unknown;
        for (const chunk of chunks) {
          try {
            reader.push(chunk);
            expect(failure).toBeUndefined();
          } catch (error) {
            expect(error).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION" });
            failure ??= error;
            expect(error).toBe(failure);
          }
        }
        for (const message of got) expect(message.length).toBeLessThanOrEqual(1 << 20);
      }),
    );
  });

  test("lengths of eight bytes are read as Python writes them", () => {
    const { got, reader } = collector();
    const header = Buffer.alloc(12);
    header.writeInt32BE(-1, 0);
    header.writeBigUInt64BE(3n, 4);
    reader.push(Buffer.concat([header, Buffer.from("abc")]));
    expect(got.map(String)).toEqual(["abc"]);
    expect(messageHeader(0x80000000).toString("hex")).toBe("ffffffff0000000080000000");
  });

  test("any bytes as a value give a value or a SerializationError", () => {
    fc.assert(
      fc.property(bytes(100), fc.boolean(), (message, parts) => {
        const candidate = parts ? Buffer.concat([Buffer.from([2, 0, 0, 0]), message]) : message;
        try {
          decodeMessage(candidate);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION" });
        }
      }),
    );
  });
});

describe("the handshake", () => {
  const key = Buffer.from("k");
  const roles = fc.constantFrom("listener" as const, "client" as const);

  /** Runs two machines against each other; each line may be changed on its way. */
  function run(
    keys: [Uint8Array, Uint8Array],
    legacyMd5: [boolean, boolean] = [false, false],
    tamper: (message: Uint8Array, step: number) => Uint8Array = (message) => message,
  ): [boolean, boolean] {
    const lines: { to: 0 | 1; message: Uint8Array }[] = [];
    const send = (to: 0 | 1) => (message: Uint8Array) => void lines.push({ to, message });
    const listener = new Handshake("listener", { key: keys[0], legacyMd5: legacyMd5[0] }, send(1));
    const client = new Handshake("client", { key: keys[1], legacyMd5: legacyMd5[1] }, send(0));
    const done: [boolean, boolean] = [false, false];
    for (let step = 0; lines.length > 0; step++) {
      const line = lines.shift() as { to: 0 | 1; message: Uint8Array };
      expect(line.message.length).toBeLessThanOrEqual(256);
      try {
        done[line.to] = [listener, client][line.to]?.step(tamper(line.message, step)) ?? false;
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_MANYCORE_AUTHENTICATION" });
        return done;
      }
    }
    return done;
  }

  test("succeeds on both sides with the same key, also an empty one", () => {
    fc.assert(
      fc.property(bytes(100), fc.boolean(), (any, legacy) => {
        expect(run([any, any], [legacy, legacy])).toEqual([true, true]);
      }),
    );
  });

  test("fails on both sides with different keys", () => {
    fc.assert(
      fc.property(bytes(20), bytes(20), (one, other) => {
        // HMAC pads short keys with zeros.
        const padded = [one, other].map((k) => Buffer.concat([k, Buffer.alloc(64 - k.length)]));
        fc.pre(Buffer.compare(padded[0] as Buffer, padded[1] as Buffer) !== 0);
        expect(run([one, other])).toEqual([false, false]);
      }),
    );
  });

  test("one changed byte makes it fail on at least one side, and no side believes a forgery", () => {
    fc.assert(
      fc.property(fc.nat(5), fc.nat(), fc.integer({ min: 1, max: 255 }), (step, place, change) => {
        const outcome = run([key, key], [false, false], (message, at) => {
          if (at !== step) return message;
          const changed = Buffer.from(message);
          changed[place % changed.length] = (changed[place % changed.length] as number) ^ change;
          return changed;
        });
        expect(outcome).not.toEqual([true, true]);
      }),
    );
  });

  test("whatever a stranger says is an AuthenticationError at the latest in the third message", () => {
    fc.assert(
      fc.property(
        roles,
        fc.array(bytes(256), { minLength: 3, maxLength: 3 }),
        fc.boolean(),
        (role, said, legacyMd5) => {
          const handshake = new Handshake(role, { key, legacyMd5 }, () => {});
          let failed = false;
          for (const message of said) {
            try {
              expect(handshake.step(message)).toBe(false);
            } catch (error) {
              expect(error).toMatchObject({ code: "ERR_MANYCORE_AUTHENTICATION" });
              failed = true;
              break;
            }
          }
          expect(failed).toBe(true);
        },
      ),
    );
  });
});

test("a token of a handoff leads nowhere but to a handoff server", () => {
  const secret = "0".repeat(32);
  for (const address of [
    "/var/run/docker.sock",
    "\0manycore-/../x",
    "\0other",
    "",
    "/tmp/manycore-a/b",
  ]) {
    expect(() => parseHandoffToken({ address, secret })).toThrow(TypeError);
  }
  fc.assert(
    fc.property(fc.anything(), (any) => {
      expect(() => parseHandoffToken(any)).toThrow(TypeError);
    }),
  );
});
