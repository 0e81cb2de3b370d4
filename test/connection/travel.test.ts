import { describe, expect, test } from "vitest";
import {
  type Address,
  connect,
  type Connection,
  Listener,
  pipe,
  Process,
  ProcessPoolExecutor,
  Thread,
  ThreadPoolExecutor,
  waitReady,
} from "manycore";
import { rejection, work } from "./kit.ts";

const END = { code: "ERR_MANYCORE_END_OF_STREAM" };
const KINDS = [
  ["process", Process],
  ["thread", Thread],
] as const;

describe.each(KINDS)("an end that goes to a %s", (_kind, Kind) => {
  test("works there, with what was sent to it before, and counts as closed here", async () => {
    const [here, there] = pipe();
    await here.send("early");
    const child = await new Kind({ target: work.echo, args: [there] }).start();
    expect(there.closed).toBe(true);
    there.close();
    expect(await rejection(there.recv())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    expect(await here.recv()).toBe("early");
    const big = new Uint8Array(2_000_000).fill(5);
    void here.send(big);
    expect(Buffer.compare((await here.recv()) as Uint8Array, big)).toBe(0);
    here.close();
    expect(await child.result).toBe(2);
    await child.join();
  });

  test("gives the end of the stream here when the child leaves", async () => {
    const [here, there] = pipe();
    const child = await new Kind({
      target: work.sendAndLeave,
      args: [there, [1, new Uint8Array(300_000)]],
    }).start();
    expect(await here.recv()).toBe(1);
    expect(((await here.recv()) as Uint8Array).length).toBe(300_000);
    expect(await rejection(here.recv())).toMatchObject(END);
    here.close();
    await child.join();
  });

  test("is linked to the other one when both go, each to a child of its own", async () => {
    const [a, b] = pipe<number>();
    await a.send(1000);
    const counting = new Kind({ target: work.count, args: [a, 0, 1000] });
    const adding = new Kind({ target: work.sum, args: [b] });
    await Promise.all([counting.start(), adding.start()]);
    expect(await adding.result).toBe(1000 + 499_500);
    await Promise.all([counting.join(), adding.join()]);
  });

  test("is linked anew when the other one goes later, in the middle of its work", async () => {
    const [a, b] = pipe<number>();
    const adding = await new Kind({ target: work.sum, args: [b] }).start();
    for (let i = 0; i < 1000; i++) await a.send(i);
    const counting = await new Kind({ target: work.count, args: [a, 0, 1000] }).start();
    expect(await adding.result).toBe(2 * 499_500);
    await Promise.all([counting.join(), adding.join()]);
  });

  test("goes through a connection, and comes back as a result", async () => {
    const [way, itsWay] = pipe();
    const child = await new Kind({ target: work.recvAndReturn, args: [itsWay] }).start();
    const [here, inside] = pipe();
    await here.send("unread");
    await way.send(inside);
    const { value, connection } = (await child.result) as {
      value: Connection;
      connection: Connection;
    };
    // The one it received came back, too; what nobody read came with it.
    expect(await value.recv()).toBe("unread");
    await value.send("and back");
    expect(await here.recv()).toBe("and back");
    await way.send("own way back");
    expect(await connection.recv()).toBe("own way back");
    for (const end of [way, here, value, connection]) end.close();
    await child.join();
  });

  test("leaves a message that was polled there and not read to its next owner", async () => {
    const [here, there] = pipe();
    const message = new Uint8Array(500_000).fill(9);
    void here.send([1, message]);
    const child = await new Kind({ target: work.pollAndReturn, args: [there] }).start();
    const { polled, connection } = await child.result;
    expect(polled).toBe(true);
    expect(Buffer.compare(((await connection.recv()) as [number, Buffer])[1], message)).toBe(0);
    here.close();
    expect(await rejection(connection.recv())).toMatchObject(END);
    await child.join();
  });

  test.each(["unix", "tcp"] as const)(
    "as an accepted connection (%s) goes on there, its peer notices nothing",
    async (family) => {
      const listener = await Listener.listen({ family, authKey: "key" });
      const [accepted, client] = await Promise.all([
        listener.accept(),
        connect(listener.address, { authKey: "key" }),
      ]);
      await client.send("before");
      expect(await accepted.poll({ timeout: 10_000 })).toBe(true);
      const child = await new Kind({ target: work.echo, args: [accepted] }).start();
      expect(await client.recv()).toBe("before");
      const big = new Uint8Array(1_500_000).fill(3);
      void client.send(big);
      expect(Buffer.compare((await client.recv()) as Uint8Array, big)).toBe(0);
      client.close();
      expect(await child.result).toBe(2);
      await child.join();
      listener.close();
    },
  );

  test.each(["unix", "tcp"] as const)(
    "as an accepted connection (%s) outlives the process that sent it",
    async (family) => {
      const [here, there] = pipe<unknown>();
      const sender = await new Process({
        target: work.acceptAndPass,
        args: [there, family],
      }).start();
      const client = await connect<unknown>((await here.recv()) as Address);
      await client.send("before");
      const accepted = (await here.recv()) as Connection<unknown>;
      const child = await new Kind({ target: work.echo, args: [accepted] }).start();
      expect(await client.recv()).toBe("before");
      sender.kill();
      await sender.join();
      const big = new Uint8Array(1_500_000).fill(3);
      void client.send(big);
      expect(Buffer.compare((await client.recv()) as Uint8Array, big)).toBe(0);
      client.close();
      expect(await child.result).toBe(2);
      await child.join();
      here.close();
    },
  );

  test("connects two children that have both ends of one connection", async () => {
    const listener = await Listener.listen();
    const [accepted, client] = (await Promise.all([
      listener.accept(),
      connect(listener.address),
    ])) as Connection<number>[] as [Connection<number>, Connection<number>];
    const adding = new Kind({ target: work.sum, args: [accepted] });
    const counting = new Kind({ target: work.count, args: [client, 0, 500] });
    await Promise.all([adding.start(), counting.start()]);
    expect(await adding.result).toBe(124_750);
    await Promise.all([adding.join(), counting.join()]);
    listener.close();
  });
});

describe("an end that travels", () => {
  test("is no argument twice, and cannot go while it is in use", async () => {
    const [a, b] = pipe();
    const waiting = a.recv();
    const refused = await rejection(new Process({ target: work.echo, args: [a] }).start());
    expect(refused).toMatchObject({
      code: "ERR_MANYCORE_SERIALIZATION",
      message: expect.stringContaining("are pending") as string,
    });
    await b.send(1);
    expect(await waiting).toBe(1);
    a.close();
    expect((await rejection(b.send(a))).message).toMatch(/closed/);
    b.close();
  });

  test("stays here when something beside it cannot travel", async () => {
    const [a, b] = pipe();
    const [carrier, other] = pipe();
    await rejection(carrier.send([a, () => {}]));
    expect(a.closed).toBe(false);
    await a.send("still here");
    expect(await b.recv()).toBe("still here");
    for (const end of [a, b, carrier, other]) end.close();
  });

  test("arrives as one end when a value has it twice", async () => {
    const [a, b] = pipe();
    const [carrier, other] = pipe<{ first: Connection; second: Connection }>();
    await carrier.send({ first: a, second: a });
    const got = await other.recv();
    expect(got.second).toBe(got.first);
    await b.send(1);
    expect(await got.first.recv()).toBe(1);
    for (const end of [b, carrier, other, got.first]) end.close();
  });

  test("passes through a chain of processes and stays in order", async () => {
    const [start, first] = pipe<number>();
    const [last, goal] = pipe<number>();
    const [mid1, mid2] = pipe<number>();
    const forwarders = [
      new Process({ target: work.forward, args: [first, mid1] }),
      new Process({ target: work.forward, args: [mid2, last] }),
    ];
    await Promise.all(forwarders.map((child) => child.start()));
    const sending = (async () => {
      for (let i = 0; i < 2000; i++) await start.send(i);
      start.close();
    })();
    const got: number[] = [];
    for await (const value of goal) got.push(value);
    expect(got).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    await sending;
    goal.close();
    await Promise.all(forwarders.map((child) => child.join()));
  });

  test.each([
    ["processes", () => new ProcessPoolExecutor({ maxWorkers: 1 })],
    ["threads", () => new ThreadPoolExecutor({ maxWorkers: 1 })],
  ])("goes to a task of a pool of %s and comes back as its result", async (_name, make) => {
    const pool = make();
    const [here, there] = pipe();
    await here.send(1);
    const result = await pool.submit(work.recvAndReturn, there);
    expect(result.value).toBe(1);
    await result.connection.send("back");
    expect(await here.recv()).toBe("back");
    here.close();
    result.connection.close();
    await pool.shutdown();
  });

  test("moves back and forth while both sides send, and no message is lost", async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 2 });
    const [a, b] = pipe<number>();
    const counting = pool.submit(work.count, a, 0, 3000);
    let end: Connection<number> = b;
    const got: number[] = [];
    for (let round = 0; round < 10; round++) {
      const back = (await pool.submit(work.recvAndReturn, end)) as {
        value: number;
        connection: Connection<number>;
      };
      got.push(back.value);
      end = back.connection;
      for (let i = 0; i < 20; i++) got.push(await end.recv());
    }
    for await (const value of end) got.push(value);
    expect(got).toEqual(Array.from({ length: 3000 }, (_, i) => i));
    await counting;
    end.close();
    await pool.shutdown();
  });
});

describe("waitReady", () => {
  test("gives what is ready, in the order given; none after the timeout", async () => {
    const [a, b] = pipe();
    const [c, d] = pipe();
    const begun = performance.now();
    expect(await waitReady([b, d], { timeout: 50 })).toEqual([]);
    expect(performance.now() - begun).toBeGreaterThan(40);
    expect(await waitReady([b, d], { timeout: -1 })).toEqual([]);
    const waiting = waitReady([b, d]);
    await c.send(1);
    expect(await waiting).toEqual([d]);
    await a.send(2);
    expect(await waitReady([d, b])).toEqual([d, b]);
    a.close();
    await b.recv();
    expect(await waitReady([b], { timeout: 0 })).toEqual([b]);
    for (const end of [b, c, d]) end.close();
  });

  test("finds every message of four processes, then the end of each connection", async () => {
    const ends = new Map<Connection<number>, number[]>();
    const children = await Promise.all(
      [0, 1, 2, 3].map((i) => {
        const [here, there] = pipe<number>();
        ends.set(here, []);
        return new Process({ target: work.count, args: [there, i * 10, 10] }).start();
      }),
    );
    const open = new Set(ends.keys());
    while (open.size > 0) {
      for (const end of await waitReady(open, { timeout: 30_000 })) {
        try {
          ends.get(end)?.push(await end.recv({ timeout: 0 }));
        } catch (error) {
          expect(error).toMatchObject(END);
          open.delete(end);
          end.close();
        }
      }
    }
    expect([...ends.values()]).toEqual(
      [0, 1, 2, 3].map((i) => Array.from({ length: 10 }, (_, k) => i * 10 + k)),
    );
    await Promise.all(children.map((child) => child.join()));
  });

  test.each(KINDS)("waits for the end of a %s beside connections", async (_name, Kind) => {
    const [a, b] = pipe();
    const [hold, held] = pipe();
    const child = await new Kind({ target: work.echo, args: [held] }).start();
    expect(await waitReady<Connection | typeof child>([b, child], { timeout: 20 })).toEqual([]);
    const waiting = waitReady<Connection | typeof child>([b, child]);
    hold.close();
    expect(await waiting).toEqual([child]);
    await a.send(1);
    expect(await waitReady<Connection | typeof child>([b, child])).toEqual([b, child]);
    a.close();
    b.close();
    await child.join();
  });

  test("waits for one who connects", async () => {
    const listener = await Listener.listen();
    expect(await waitReady([listener], { timeout: 10 })).toEqual([]);
    const waiting = waitReady([listener]);
    const client = await connect(listener.address);
    expect(await waiting).toEqual([listener]);
    (await listener.accept()).close();
    client.close();
    listener.close();
    await expect(waitReady([listener])).rejects.toThrow("closed");
  });

  test("refuses what is never ready, and ends by its signal", async () => {
    const [a, b] = pipe();
    await expect(waitReady([{}] as never)).rejects.toThrow("to be Connections");
    await expect(waitReady([new Process({ target: work.idle })])).rejects.toThrow("started");
    const gone = new AbortController();
    const waiting = waitReady([a, b], { signal: gone.signal });
    gone.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    a.close();
    await expect(waitReady([a, b])).rejects.toThrow("closed");
    b.close();
  });
});
