import { join } from "node:path";
import { tmpdir } from "node:os";
import { mkdtempSync, rmdirSync } from "node:fs";
// Who dies, and when; what the others get, and that nobody waits for ever.
import { describe, expect, test } from "vitest";
import {
  connect,
  type Connection,
  Listener,
  pipe,
  Process,
  ProcessPoolExecutor,
  Thread,
} from "manycore";
import { framed, rejection, stranger, work } from "./kit.ts";

const END = { code: "ERR_MANYCORE_END_OF_STREAM" };
/** A bound against hangs, not an expectation. */
const BOUND = { timeout: 20_000 };

describe("the owner of the other end is killed", () => {
  test("after its last send was done, and everything arrives before the end", async () => {
    const [here, there] = pipe();
    const values = [1, "two", new Uint8Array(100_000).fill(3)];
    const child = await new Process({ target: work.sendAndDie, args: [there, values] }).start();
    for (const value of values) {
      const got = await here.recv(BOUND);
      expect(typeof value === "object" ? (got as Uint8Array).length : got).toBe(
        typeof value === "object" ? value.length : value,
      );
    }
    expect(await rejection(here.recv(BOUND))).toMatchObject(END);
    expect(await child.join()).toBe(-9);
    here.close();
  });

  test("in the middle of a message, and whole messages arrive before an error that names the rest", async () => {
    const [here, there] = pipe();
    const child = await new Process({
      target: work.dieInMessage,
      args: [there, 900_000_000],
    }).start();
    // It takes far longer to send all of it than the child lives.
    expect(await here.recv(BOUND)).toBe("first");
    const error = await rejection(here.recv(BOUND));
    expect(error).toMatchObject(END);
    expect(error.message).toContain("in the middle of a message");
    expect(await child.join()).toBe(-9);
    here.close();
  });

  test("while this side waits to send, and the send fails", async () => {
    const [here, there] = pipe();
    const child = await new Process({ target: work.idle, args: [there] }).start();
    const sending = rejection(
      (async () => {
        for (;;) await here.sendBytes(new Uint8Array(500_000));
      })(),
    );
    child.kill();
    expect(await sending).toMatchObject(END);
    here.close();
    await child.join();
  });

  test("while this side waits to receive, and the receive ends", async () => {
    const [here, there] = pipe();
    const child = await new Process({ target: work.echo, args: [there] }).start();
    await here.send(1);
    expect(await here.recv(BOUND)).toBe(1);
    const waiting = rejection(here.recv(BOUND));
    child.kill();
    expect(await waiting).toMatchObject(END);
    here.close();
    await child.join();
  });
});

describe("an end is lost on its way when", () => {
  test.each([
    ["process", Process],
    ["thread", Thread],
  ] as const)("its %s dies before it looks at it", async (_name, Kind) => {
    const [here, there] = pipe();
    const child = new Kind({ target: work.idle, args: [there] });
    const starting = child.start();
    const waiting = rejection(here.recv(BOUND));
    await starting;
    child.kill();
    expect(await waiting).toMatchObject(END);
    here.close();
    await child.join();
  });

  test("its process cannot be started", async () => {
    const [here, there] = pipe();
    const cwd = mkdtempSync(join(tmpdir(), "manycore-gone-"));
    const child = new Process({ target: work.idle, args: [there], cwd });
    rmdirSync(cwd);
    await rejection(child.start());
    expect(await rejection(here.recv(BOUND))).toMatchObject(END);
    here.close();
  });

  test("its task is cancelled before it begins, or refused", async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 1, maxQueue: 1 });
    const [gate, held] = pipe();
    const busy = pool.submit(work.echo, held);
    const [here, there] = pipe();
    const future = pool.submit(work.echo, there);
    future.cancel();
    expect(await rejection(here.recv(BOUND))).toMatchObject(END);
    gate.close();
    await busy;
    here.close();
    await pool.shutdown();
  });

  test("the worker of its task is killed with it in its hands", async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
    const [here, there] = pipe();
    const running = rejection(pool.submit(work.dieInMessage, there, 10));
    expect(await here.recv(BOUND)).toBe("first");
    expect(await running).toMatchObject({ code: "ERR_MANYCORE_WORKER_CRASHED" });
    await here.recvBytes(BOUND);
    expect(await rejection(here.recv(BOUND))).toMatchObject(END);
    here.close();
    await pool.shutdown();
  });

  test("its sender is killed before anybody fetched it", async () => {
    const [carrier, theirs] = pipe();
    const child = await new Process({ target: work.recvAndReturn, args: [theirs] }).start();
    const [inner, left] = pipe();
    await carrier.send(inner);
    const result = (await child.result) as { value: Connection };
    // It is on its way back: the child that keeps it is killed.
    child.kill();
    await child.join();
    const outcome = await Promise.race([
      rejection(result.value.recv(BOUND)),
      rejection(left.recv(BOUND)),
    ]);
    expect(outcome).toMatchObject(END);
    for (const end of [carrier, left, result.value]) end.close();
  });

  test("both ends were sent and one receiver dies: the other one gets the end of the stream", async () => {
    const [a, b] = pipe();
    const waiting = new Process({ target: work.outcomeOf, args: [a] });
    const dying = new Process({ target: work.die, args: [b] });
    await Promise.all([waiting.start(), dying.start()]);
    expect(await waiting.result).toMatchObject(END);
    await Promise.all([waiting.join(), dying.join()]);
  });
});

describe("a stranger at the other end of a socket", () => {
  test("hangs up in the middle of a message, and the receive says so", async () => {
    const listener = await Listener.listen();
    const socket = await stranger(listener.address);
    socket.write(framed("whole"));
    socket.end(framed("cut off").subarray(0, 7));
    const accepted = await listener.accept();
    expect(Buffer.from(await accepted.recvBytes()).toString()).toBe("whole");
    const error = await rejection(accepted.recvBytes(BOUND));
    expect(error).toMatchObject(END);
    expect(error.message).toContain("middle of a message, 7 bytes");
    accepted.close();
    listener.close();
  });

  test("takes no memory by announcing a message that never comes", async () => {
    const listener = await Listener.listen();
    const before = process.memoryUsage().arrayBuffers;
    const sockets = await Promise.all(Array.from({ length: 8 }, () => stranger(listener.address)));
    const ends: Connection[] = [];
    for (const socket of sockets) {
      const header = Buffer.alloc(4);
      header.writeInt32BE(900 * 1024 * 1024);
      socket.write(Buffer.concat([header, Buffer.alloc(10)]));
      ends.push(await listener.accept());
    }
    for (const end of ends) expect(await end.poll({ timeout: 20 })).toBe(false);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024);
    for (const end of ends) end.close();
    for (const socket of sockets) socket.destroy();
    listener.close();
  });

  test("ends this connection, not the program, by sending what is no message", async () => {
    const listener = await Listener.listen({ maxBytes: 1000 });
    for (const bytes of [
      [0x80, 0, 0, 0],
      [0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 2, 0x7b, 0x7d],
      [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9, 0, 0, 0, 0],
      [0, 0, 4, 0],
    ]) {
      const socket = await stranger(listener.address);
      socket.write(Buffer.from(bytes));
      const accepted = await listener.accept();
      const error = await rejection(accepted.recv(BOUND));
      expect(["ERR_MANYCORE_SERIALIZATION", END.code]).toContain(error.code);
      expect(await rejection(accepted.send(1))).toMatchObject({ code: error.code });
      accepted.close();
    }
    const client = await connect(listener.address);
    (await listener.accept()).close();
    client.close();
    listener.close();
  });
});
