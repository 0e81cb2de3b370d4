import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import {
  type Address,
  connect,
  type Connection,
  Listener,
  type ListenerOptions,
  pipe,
  type TcpAddress,
} from "manycore";
import { runProgram } from "../helpers/leaks.ts";
import { deferred, type Deferred } from "../../dist/util/deferred.js";
import { framed, messagesOf, nextBytes, rejection, stranger, untilClosed } from "./kit.ts";

const AUTH = { code: "ERR_MANYCORE_AUTHENTICATION" };
const CLOSED = { code: "ERR_MANYCORE_INVALID_STATE" };
const folder = mkdtempSync(join(tmpdir(), "manycore-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const path = (): string => join(folder, `socket-${++files}`);
const linux = process.platform === "linux";

const FAMILIES: [string, () => ListenerOptions][] = [
  ["a Unix socket", () => ({ address: path() })],
  ["a Unix socket of its own choice", () => ({})],
  ["a TCP port of its own choice", () => ({ family: "tcp" })],
  ["localhost", () => ({ address: { host: "localhost", port: 0 } })],
  ...(linux
    ? ([["an abstract name", () => ({ address: `\0manycore test ${process.pid} ${++files}` })]] as [
        string,
        () => ListenerOptions,
      ][])
    : []),
];

describe.each(FAMILIES)("a listener on %s", (_name, options) => {
  test("takes connections in order and knows its address at once", async () => {
    const listener = new Listener(options());
    const { address } = listener;
    const first = connect<string>(address);
    const a = await listener.accept();
    const second = await connect<string>(address);
    const b = await listener.accept({ timeout: 10_000 });
    await (await first).send("from the first");
    await second.send("from the second");
    expect(await a.recv()).toBe("from the first");
    expect(await b.recv()).toBe("from the second");
    for (const end of [a, b, second, await first]) end.close();
    listener.close();
    expect(listener.closed).toBe(true);
    expect(await rejection(listener.accept())).toMatchObject(CLOSED);
    await expect(connect(address)).rejects.toThrow(/ECONNREFUSED|ENOENT/);
  });

  test("is alone there; the address is free again after its close", async () => {
    const listener = await Listener.listen(options());
    const { address } = listener;
    const second = new Listener({ address });
    expect(await rejection(second.ready)).toMatchObject({ code: "EADDRINUSE" });
    expect(await rejection(second.accept())).toMatchObject({ code: "EADDRINUSE" });
    second.close();
    const still = connect(address);
    (await listener.accept()).close();
    (await still).close();
    listener.close();
    // Its folder has gone with it.
    if (options().address === undefined && typeof address === "string") return;
    const third = await Listener.listen({ address });
    third.close();
  });

  test("gives out what a client sent that has left again", async () => {
    const listener = await Listener.listen(options());
    const client = await connect(listener.address);
    await client.send("gone");
    client.close();
    const accepted = await listener.accept();
    expect(await accepted.recv()).toBe("gone");
    expect(await rejection(accepted.recv())).toMatchObject({ code: "ERR_MANYCORE_END_OF_STREAM" });
    accepted.close();
    listener.close();
  });

  test("lets in who knows the key, both ways, and nobody else", async () => {
    const rejected: Error[] = [];
    const listener = await Listener.listen({
      ...options(),
      authKey: "the key",
      onReject: (error) => rejected.push(error),
    });
    const { address } = listener;
    expect(await rejection(connect(address, { authKey: "another" }))).toMatchObject(AUTH);
    const [client, accepted] = await Promise.all([
      connect(address, { authKey: Buffer.from("the key") }),
      listener.accept(),
    ]);
    await client.send(1);
    expect(await accepted.recv()).toBe(1);
    expect(rejected).toMatchObject([AUTH]);
    for (const end of [client, accepted]) end.close();
    listener.close();
  });
});

describe("a listener", () => {
  test("leaves nothing in the file system, closed or not", async () => {
    const listener = new Listener();
    const file = listener.address as string;
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    listener.close();
    expect(existsSync(file)).toBe(false);
    const address = path();
    const program = await runProgram(
      new URL("../fixtures/connection/listens.mjs", import.meta.url),
      [address],
    );
    expect(program).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(address)).toBe(false);
    expect(existsSync(program.stdout.trim())).toBe(false);
  });

  test("takes over the socket file of one that was killed, but no other file", async () => {
    const address = path();
    const program = await runProgram(
      new URL("../fixtures/connection/listens.mjs", import.meta.url),
      [address, "SIGKILL"],
    );
    expect(program.signal).toBe("SIGKILL");
    expect(existsSync(address)).toBe(true);
    const listener = await Listener.listen({ address });
    const [client, accepted] = await Promise.all([connect(address), listener.accept()]);
    client.close();
    accepted.close();
    listener.close();
    expect(await rejection(Listener.listen({ address: folder }))).toMatchObject({
      code: "EADDRINUSE",
    });
  });

  test("waits to accept in time or by a signal, and loses nobody", async () => {
    const listener = await Listener.listen();
    expect(await rejection(listener.accept({ timeout: 10 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    expect(await rejection(listener.accept({ timeout: 0 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    const gone = new AbortController();
    const waiting = rejection(listener.accept({ signal: gone.signal }));
    gone.abort(new Error("enough"));
    expect(await waiting).toMatchObject({ message: "enough" });
    const client = await connect(listener.address);
    (await listener.accept()).close();
    client.close();
    const closing = rejection(listener.accept());
    listener.close();
    listener.close();
    expect(await closing).toMatchObject(CLOSED);
  });

  test("is iterated until it is closed, and tells who came last", async () => {
    const listener = await Listener.listen({ family: "tcp" });
    expect(listener.lastAccepted).toBeUndefined();
    const seen: unknown[] = [];
    const serving = (async () => {
      for await (const connection of listener) {
        seen.push(listener.lastAccepted?.host);
        connection.close();
      }
    })();
    for (let i = 0; i < 3; i++) {
      const client = await connect(listener.address);
      expect(await rejection(client.recv())).toMatchObject({ code: "ERR_MANYCORE_END_OF_STREAM" });
      client.close();
    }
    await listener[Symbol.asyncDispose]();
    await serving;
    expect(seen).toEqual(["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
    expect(inspect(listener)).toBe("<Listener tcp closed, 0 to accept>");
  });

  test("turns away those who come when too many wait", async () => {
    const rejected: Error[] = [];
    const listener = await Listener.listen({
      backlog: 2,
      onReject: (error) => rejected.push(error),
    });
    const clients = await Promise.all([1, 2, 3].map(() => connect(listener.address)));
    const ends = clients.map((client) => rejection(client.recv({ timeout: 10_000 })));
    expect(await Promise.race(ends)).toMatchObject({ code: "ERR_MANYCORE_END_OF_STREAM" });
    expect(rejected).toMatchObject([{ message: expect.stringContaining("More than 2") as string }]);
    listener.close();
    await Promise.all(ends);
    for (const client of clients) client.close();
  });

  test("refuses options of the wrong kind when it is made", () => {
    const make = (options: unknown) => () => new Listener(options as ListenerOptions).close();
    expect(make({ family: "x25" })).toThrow(RangeError);
    expect(make({ address: "/tmp/x", family: "tcp" })).toThrow(/family/);
    expect(make({ address: { port: 1 }, family: "unix" })).toThrow(/family/);
    expect(make({ address: { port: 70_000 } })).toThrow(RangeError);
    expect(make({ address: {} })).toThrow(TypeError);
    expect(make({ address: "" })).toThrow(RangeError);
    expect(make({ address: "a\0b" })).toThrow(RangeError);
    expect(make({ address: `/tmp/${"x".repeat(200)}` })).toThrow(/at most \d+ bytes/);
    expect(make({ authKey: 5 })).toThrow(/authKey/);
    expect(make({ backlog: 0 })).toThrow(RangeError);
    expect(make({ handshakeTimeout: Number.NaN })).toThrow(RangeError);
  });

  test.runIf(process.platform !== "win32")("refuses addresses that only others have", () => {
    expect(() => new Listener({ address: String.raw`\\.\pipe\x` })).toThrow(
      expect.objectContaining({ code: "ERR_MANYCORE_NOT_SUPPORTED" }),
    );
  });

  test("cannot be sent, only its address", async () => {
    const listener = await Listener.listen();
    const [client, accepted] = await Promise.all([connect(listener.address), listener.accept()]);
    await expect(client.send(listener)).rejects.toThrow("send its address");
    client.close();
    accepted.close();
    listener.close();
  });

  test("keeps no program running while it is idle, nor does an idle connection", async () => {
    const program = await runProgram(new URL("../fixtures/connection/idle.mjs", import.meta.url));
    expect(program).toMatchObject({ code: 0, stderr: "", stdout: "answered\n" });
  });
});

describe("connect", () => {
  test("gives the system's error when nobody listens", async () => {
    await expect(connect(path())).rejects.toMatchObject({ code: "ENOENT" });
    await expect(connect({ port: 1 })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("gives up after its timeout, by its signal, and on a listener without a key", async () => {
    const silent = await Listener.listen();
    const { address } = silent;
    expect(await rejection(connect(address, { authKey: "k", timeout: 50 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    expect(await rejection(connect(address, { authKey: "k", handshakeTimeout: 50 }))).toMatchObject(
      AUTH,
    );
    const signal = AbortSignal.timeout(50);
    expect(await rejection(connect(address, { authKey: "k", signal }))).toBe(signal.reason);
    silent.close();
  });

  test("gives an error when the listener leaves or breaks the protocol during the handshake", async () => {
    const answers: [string | Buffer, string][] = [
      ["", "ERR_MANYCORE_END_OF_STREAM"],
      [framed("hello"), "ERR_MANYCORE_AUTHENTICATION"],
      [framed("#CHALLENGE#short"), "ERR_MANYCORE_AUTHENTICATION"],
      [framed(`#CHALLENGE#{sha1}${"x".repeat(40)}`), "ERR_MANYCORE_AUTHENTICATION"],
      // An old one, which is not allowed by default.
      [framed(`#CHALLENGE#${"x".repeat(20)}`), "ERR_MANYCORE_AUTHENTICATION"],
      [Buffer.alloc(4, 0x7f), "ERR_MANYCORE_AUTHENTICATION"],
      [framed("x".repeat(257)), "ERR_MANYCORE_AUTHENTICATION"],
      ["HTTP/1.1 400 Bad Request\r\n\r\n", "ERR_MANYCORE_AUTHENTICATION"],
    ];
    for (const [answer, code] of answers) {
      const server = createServer((socket) => socket.on("error", () => {}).end(answer));
      const address = path();
      await new Promise<void>((resolve) => server.listen(address, resolve));
      expect(await rejection(connect(address, { authKey: "k" })), String(answer)).toMatchObject({
        code,
      });
      server.close();
    }
  });

  test("tells a client without a key that one is wanted", async () => {
    const listener = await Listener.listen({ authKey: "k" });
    const received = await connect(listener.address);
    const reason = await rejection(received.recv({ timeout: 10_000 }));
    expect(reason).toMatchObject(AUTH);
    expect(reason.message).toContain("asks for a key");
    const bytes = await connect(listener.address, {});
    expect(await rejection(bytes.recvBytes({ timeout: 10_000 }))).toMatchObject(AUTH);
    expect(await rejection(bytes.send(1))).toMatchObject(AUTH);
    const [near, far] = pipe<Connection>();
    const moved = await connect(listener.address);
    await near.send(moved);
    expect(await rejection((await far.recv()).recv({ timeout: 10_000 }))).toMatchObject(AUTH);
    for (const end of [received, bytes, near, far]) end.close();
    listener.close();
  });

  test("tells a client with a key that the listener uses none, once it says something", async () => {
    const listener = await Listener.listen();
    const connecting = rejection(connect(listener.address, { authKey: "k" }));
    const accepted = await listener.accept();
    await accepted.send("hello");
    const reason = await connecting;
    expect(reason).toMatchObject(AUTH);
    expect(reason.message).toContain("no `authKey`");
    accepted.close();
    listener.close();
  });

  test.each([
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")],
    ["TLS", Buffer.from([0x15, 3, 3, 0, 2, 2, 0x46])],
  ])("names the protocol of a peer that speaks %s, with a key and without", async (name, bytes) => {
    const server = createServer((socket) => socket.on("error", () => {}).end(bytes));
    const address = path();
    await new Promise<void>((resolve) => server.listen(address, resolve));
    const withKey = await rejection(connect(address, { authKey: "k" }));
    expect(withKey).toMatchObject(AUTH);
    expect(withKey.message).toContain(`it speaks ${name}`);
    const bare = await connect(address);
    expect((await rejection(bare.recv())).message).toContain(`it speaks ${name}`);
    server.close();
    const rejected: Error[] = [];
    const onReject = (error: Error): void => void rejected.push(error);
    const listener = await Listener.listen({ authKey: "k", onReject });
    const enemy = await stranger(listener.address);
    enemy.write(bytes);
    await untilClosed(enemy);
    await expect.poll(() => rejected.length).toBe(1);
    expect(rejected[0]?.message).toContain(`it speaks ${name}`);
    listener.close();
  });

  test("does not believe a verdict that is none", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(framed(`#CHALLENGE#{sha256}${"x".repeat(40)}`));
      socket.once("data", () => socket.write(framed("#WHATEVER#")));
    });
    const address = path();
    await new Promise<void>((resolve) => server.listen(address, resolve));
    expect(await rejection(connect(address, { authKey: "k" }))).toMatchObject(AUTH);
    server.close();
  });
});

describe("a listener with a key among hostile peers", () => {
  const serve = async (options: ListenerOptions = {}): Promise<[Listener, Error[]]> => {
    const rejected: Error[] = [];
    const onReject = (error: Error): void => void rejected.push(error);
    return [await Listener.listen({ authKey: "k", onReject, ...options }), rejected];
  };

  /** A good client gets in and is heard. */
  async function expectService(listener: Listener): Promise<void> {
    const [client, accepted] = await Promise.all([
      connect(listener.address, { authKey: "k" }),
      listener.accept({ timeout: 10_000 }),
    ]);
    await client.send("good");
    expect(await accepted.recv()).toBe("good");
    client.close();
    accepted.close();
  }

  test.each([
    ["garbage", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a huge frame", Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ["a huge long frame", Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0])],
    ["a negative frame", Buffer.from([0x80, 0, 0, 0])],
    ["words of a moving end", Buffer.from([0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 2, 0x7b, 0x7d])],
    ["an empty answer", framed("")],
    ["a wrong answer", framed(`{sha256}${"x".repeat(32)}`)],
    ["a short answer", framed("{sha256}x")],
    ["an unknown digest", framed(`{md4}${"x".repeat(16)}`)],
    ["an old answer", framed("x".repeat(16))],
    ["an old answer with a name", framed(`{md5}${"x".repeat(16)}`)],
    ["too long an answer", framed("x".repeat(300))],
  ])("answers %s by hanging up, and goes on", async (_name, bytes) => {
    const [listener, rejected] = await serve();
    const enemy = await stranger(listener.address);
    const all = untilClosed(enemy);
    enemy.write(bytes);
    const said = await all;
    expect(said.subarray(4, 15).toString()).toBe("#CHALLENGE#");
    expect(said.includes("#WELCOME#")).toBe(false);
    await expect.poll(() => rejected.length).toBe(1);
    await expectService(listener);
    listener.close();
  });

  test("is not held up by the silent and the half-open, and drops them in time", async () => {
    const [listener, rejected] = await serve({ handshakeTimeout: 300 });
    const silent = await Promise.all(Array.from({ length: 20 }, () => stranger(listener.address)));
    silent[0]?.write(Buffer.from([0, 0]));
    silent[1]?.end();
    const gone = silent.map((socket) => untilClosed(socket));
    const begun = performance.now();
    await expectService(listener);
    expect(performance.now() - begun).toBeLessThan(5000);
    await Promise.all(gone);
    await expect.poll(() => rejected.length).toBe(20);
    expect(rejected.filter((error) => (error as { code?: string }).code === AUTH.code).length).toBe(
      19,
    );
    listener.close();
  });

  test("lets good clients in during a flood of silent ones", async () => {
    const [listener] = await serve({ maxHandshakes: 8 });
    const flood = await Promise.all(Array.from({ length: 100 }, () => stranger(listener.address)));
    const gone = flood.map((socket) => untilClosed(socket));
    for (let i = 0; i < 5; i++) await expectService(listener);
    // At most eight of them are still there; the others were dropped long before their time.
    let closed = 0;
    for (const one of gone) void one.then(() => closed++);
    await expect.poll(() => closed).toBeGreaterThanOrEqual(92);
    listener.close();
    await Promise.all(gone);
  });

  test("does not accept an answer that was heard before", async () => {
    const [listener] = await serve();
    // Listens in on a good client.
    const heard: Buffer[] = [];
    const relay = createServer((socket) => {
      void (async () => {
        const upstream = await stranger(listener.address);
        socket.on("data", (chunk: Buffer) => heard.push(chunk));
        socket.pipe(upstream).pipe(socket);
      })();
    });
    const address = path();
    await new Promise<void>((resolve) => relay.listen(address, resolve));
    const client = await connect(address, { authKey: "k" });
    (await listener.accept()).close();
    client.close();
    relay.close();
    const enemy = await stranger(listener.address);
    const all = untilClosed(enemy);
    await nextBytes(enemy);
    enemy.write(heard[0] as Buffer);
    expect((await all).includes("#WELCOME#")).toBe(false);
    await expectService(listener);
    listener.close();
  });

  test("does not take its own challenge back as an answer's question", async () => {
    const [listener, rejected] = await serve();
    const enemy = await stranger(listener.address);
    const challenge = await nextBytes(enemy);
    const all = untilClosed(enemy);
    enemy.write(challenge);
    expect((await all).includes("#WELCOME#")).toBe(false);
    expect(rejected).toMatchObject([AUTH]);
    listener.close();
  });

  test("a stranger in its place cannot let its clients answer for it", async () => {
    // Each client's challenge is given to the other one, whose answer the stranger brings back.
    const heard: { socket: Socket; challenge: Deferred<Buffer> }[] = [];
    const server = createServer((socket) => {
      const challenge = deferred<Buffer>();
      heard.push({ socket, challenge });
      const self = heard.length - 1;
      let step = 0;
      messagesOf(socket, (message) => {
        step++;
        if (step === 1) socket.write(framed("#WELCOME#"));
        if (step === 2) challenge.resolve(message);
        // Here only the second one ever is: it answers the first one's challenge.
        if (step === 1 && self === 1) heard[0]?.socket.write(framed(message));
      });
      socket.on("error", () => {});
      if (self === 0) socket.write(framed(`#CHALLENGE#{sha256}${"x".repeat(40)}`));
      else void heard[0]?.challenge.promise.then((asked) => socket.write(framed(asked)));
    });
    const address = path();
    await new Promise<void>((resolve) => server.listen(address, resolve));
    const first = rejection(connect(address, { authKey: "k", handshakeTimeout: 2000 }));
    await expect.poll(() => heard.length).toBe(1);
    const second = await rejection(connect(address, { authKey: "k" }));
    expect(second).toMatchObject(AUTH);
    expect(second.message).toContain("passes challenges on");
    for (const { socket } of heard) socket.destroy();
    expect((await first).code).toMatch(/^ERR_MANYCORE_(AUTHENTICATION|END_OF_STREAM)$/);
    server.close();
  });

  test("drops those who are still in the handshake when it is closed", async () => {
    const [listener] = await serve();
    const enemy = await stranger(listener.address);
    await nextBytes(enemy);
    const gone = untilClosed(enemy);
    listener.close();
    expect((await gone).length).toBe(0);
  });
});

test("an address is plain data, which can be sent and stored", () => {
  const address: Address = { host: "::1", port: 0 };
  const listener = new Listener({ address });
  const bound = listener.address as TcpAddress;
  expect(bound.host).toBe("::1");
  expect(bound.port).toBeGreaterThan(0);
  listener.close();
  expect(readdirSync(folder).length).toBeGreaterThanOrEqual(0);
});

test("a path with half of a surrogate pair is refused: another such path would be the same bytes", async () => {
  const expected = /Expected `address` to be a path.*half of a surrogate pair/;
  expect(() => new Listener({ address: `${path()}\ud800` })).toThrow(expected);
  await expect(connect(`${path()}\ud801`)).rejects.toThrow(expected);
});
