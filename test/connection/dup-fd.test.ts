import { spawn } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import {
  type AddressInfo,
  connect as netConnect,
  createServer,
  type Server,
  Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  type Connection,
  DupFd,
  pipe,
  Process,
  ProcessPoolExecutor,
  Queue,
  recvHandle,
  sendHandle,
  tasks,
  Thread,
  waitReady,
} from "manycore";
import { framed, rejection } from "./kit.ts";

const work = tasks<typeof import("../fixtures/connection/descriptors.js")>(
  new URL("../fixtures/connection/descriptors.js", import.meta.url),
);
const folder = mkdtempSync(join(tmpdir(), "manycore-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A server that gives each socket to `take`, unread. */
async function serveWith(take: (socket: Socket) => void): Promise<[Server, number]> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, take);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return [server, (server.address() as AddressInfo).port];
}

async function ask(port: number, text: string): Promise<string> {
  const client = netConnect({ port, host: "127.0.0.1" });
  client.end(text);
  let answer = "";
  for await (const chunk of client) answer += String(chunk);
  return answer;
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

describe.runIf(process.platform === "linux")("descriptors that are sent", () => {
  test("a socket is served by another process, or thread", async () => {
    for (const Kind of [Process, Thread]) {
      const children: { join(): Promise<unknown>; pid: number | undefined }[] = [];
      const [server, port] = await serveWith((socket) => {
        const child = new Kind({ target: work.serve, args: [new DupFd(socket)] });
        socket.destroy();
        children.push(child);
        void child.start();
      });
      const answer = await ask(port, "hello");
      const child = children[0];
      await child?.join();
      expect(answer).toBe(`${child?.pid} hello`);
      expect(child?.pid === process.pid).toBe(Kind === (Thread as unknown));
      server.close();
    }
  });

  test("an open file goes to a pool and comes back, standing where it stood", async () => {
    const file = join(folder, "text");
    writeFileSync(file, "one two");
    const fd = openSync(file, "r");
    readSync(fd, Buffer.alloc(4));
    const before = descriptors();
    const handle = new DupFd(fd);
    await using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    expect(await executor.submit(work.readOn, handle)).toBe("two");
    expect((await rejection(handle.detach())).message).toContain("was sent");
    handle.close();
    const back = await executor.submit(work.passOn, new DupFd(fd));
    const own = await back.detach();
    expect(own).not.toBe(fd);
    expect(readFileSync(own, "utf8")).toBe("");
    closeSync(own);
    closeSync(fd);
    await executor.shutdown();
    expect(descriptors()).toBeLessThan(before + 10);
  });

  test("send and receive through a connection, a queue and within a thread", async () => {
    const file = join(folder, "written");
    const fd = openSync(file, "w+");
    const [here, there] = pipe();
    const child = await new Process({ target: work.writeInto, args: [there] }).start();
    for (let i = 0; i < 3; i++) await sendHandle(here, fd);
    here.close();
    const pid = await child.result;
    expect(readFileSync(file, "utf8")).toBe(`${pid};`.repeat(3));
    const [a, b] = pipe();
    await sendHandle(a, fd);
    const same = await recvHandle(b);
    expect(readFileSync(same, "utf8")).toBe("");
    closeSync(same);
    await a.send("no descriptor");
    expect(await rejection(recvHandle(b))).toBeInstanceOf(TypeError);
    const queue = new Queue<DupFd>();
    await queue.put(new DupFd(fd));
    closeSync(await (await queue.get()).detach());
    closeSync(fd);
    for (const end of [a, b]) end.close();
    queue.close();
  });

  test("reject when their sender was killed, as a connection does", async () => {
    const [here, there] = pipe<[DupFd, Connection]>();
    const child = await new Process({
      target: work.sendAndDie,
      args: [there, process.execPath],
    }).start();
    await child.join();
    const [got, end] = await here.recv();
    const gone = { code: "ERR_MANYCORE_END_OF_STREAM" };
    expect(await rejection(got.detach({ timeout: 20_000 }))).toMatchObject(gone);
    expect(await rejection(end.recv({ timeout: 20_000 }))).toMatchObject(gone);
    end.close();
    here.close();
  });

  test("whoever takes the address of a dead sender is not believed, and learns no secret", async () => {
    const [here, there] = pipe<[DupFd, Connection]>();
    const child = await new Process({
      target: work.sendAndDie,
      args: [there, process.execPath],
    }).start();
    await child.join();
    const message = await here.recvBytes();
    const text = Buffer.from(message).toString("latin1");
    const [address] = /\0manycore-[\w-]+/.exec(text) as RegExpExecArray;
    const secrets = [...text.matchAll(/[0-9a-f]{32}/g)].map(([secret]) => secret);
    expect(secrets).toHaveLength(2);
    const heard: string[] = [];
    const thief = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (claim) => {
        heard.push(String(claim));
        socket.write(Buffer.concat([framed('{"kind":"link","moves":false}'), framed("\0\x01")]));
      });
    });
    await new Promise<void>((resolve) => thief.listen({ path: address }, resolve));
    const [a, b] = pipe<[DupFd, Connection]>();
    await a.sendBytes(message);
    const [handle, end] = await b.recv();
    const authentication = { code: "ERR_MANYCORE_AUTHENTICATION" };
    expect(await rejection(end.recv({ timeout: 20_000 }))).toMatchObject(authentication);
    expect(await rejection(handle.detach({ timeout: 20_000 }))).toMatchObject(authentication);
    expect(heard).toHaveLength(2);
    for (const secret of secrets) expect(heard.join()).not.toContain(secret);
    for (const one of [here, a, b, end]) one.close();
    thief.close();
  });

  test("are given out once, and closed when nobody takes them", async () => {
    const file = join(folder, "once");
    writeFileSync(file, "x");
    const fd = openSync(file, "r");
    const before = descriptors();
    const handle = new DupFd(fd);
    const own = await handle.detach();
    expect((await rejection(handle.detach())).message).toContain("was detached");
    closeSync(own);
    const closed = new DupFd({ fd });
    closed.close();
    closed.close();
    expect(await rejection(closed.detach())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    const [a] = pipe();
    a.close();
    await rejection(sendHandle(a, fd));
    expect(descriptors()).toBe(before);
    closeSync(fd);
    expect(() => new DupFd(1_000_000)).toThrow(/EBADF/);
    expect(() => new DupFd(new Socket())).toThrow(/no descriptor/);
    expect(() => new DupFd("1" as unknown as number)).toThrow(TypeError);
  });

  test("a connection between processes has a descriptor, one within a thread has none", async () => {
    const [here, there] = pipe();
    expect(() => here.fileno()).toThrow(/No socket/);
    const child = await new Process({ target: work.writeInto, args: [there] }).start();
    await expect
      .poll(() => {
        try {
          return here.fileno();
        } catch {
          return -1;
        }
      })
      .toBeGreaterThan(2);
    here.close();
    expect(() => here.fileno()).toThrow(/closed/);
    await child.join();
  });
});

describe("waitReady", () => {
  test("waits for sockets beside connections, and reads nothing of them", async () => {
    const accepted: Socket[] = [];
    const [server, port] = await serveWith((socket) => void accepted.push(socket));
    const client = netConnect({ port, host: "127.0.0.1" });
    await expect.poll(() => accepted.length).toBe(1);
    const [socket] = accepted as [Socket];
    const [a, b] = pipe();
    expect(await waitReady([socket, b], { timeout: 0 })).toEqual([]);
    client.write("hello");
    expect(await waitReady([socket, b])).toEqual([socket]);
    expect(await waitReady([socket, b], { timeout: 0 })).toEqual([socket]);
    await a.send(1);
    expect(await waitReady([socket, b])).toEqual([socket, b]);
    const chunk = await new Promise((resolve) => socket.once("data", resolve));
    expect(String(chunk)).toBe("hello");
    socket.pause();
    const ended = waitReady([socket]);
    client.end();
    expect(await ended).toEqual([socket]);
    expect(await waitReady([socket], { timeout: 0 })).toEqual([socket]);
    for (const end of [a, b]) end.close();
    socket.destroy();
    expect(await waitReady([socket])).toEqual([socket]);
    server.close();
  });

  test("waits for a program of Node's own child_process", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    expect(await waitReady([child], { timeout: 0 })).toEqual([]);
    const exited = waitReady([child]);
    child.stdin?.end();
    expect(await exited).toEqual([child]);
    expect(await waitReady([child])).toEqual([child]);
  });
});
