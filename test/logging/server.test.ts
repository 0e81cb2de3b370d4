import { once } from "node:events";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Address,
  connect,
  connectLogServer,
  getLogger,
  LogCollector,
  logToStderr,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { eventually, runProgram, startProgram, untilLine } from "../helpers/leaks.ts";
import { rejection, stranger, untilClosed } from "../connection/kit.ts";
import { count, Kept, type Line, numbersOf } from "./kit.ts";

useNamespace("log-server");
afterEach(() => logToStderr());

const KEY = "the key of the logs";
const REMOTE = fileURLToPath(new URL("../fixtures/logging/remote.mjs", import.meta.url));

async function startServer(destination: Writable, at = 0): Promise<[LogCollector, number]> {
  const collector = await LogCollector.start({
    destination,
    address: { host: "127.0.0.1", port: at },
    authKey: KEY,
    maxLineBytes: 10_000,
  });
  return [collector, (collector.address as { port: number }).port];
}

describe("a program on the network", () => {
  test("sends its records and those of its processes, each sender's in order, none lost", async () => {
    const kept = new Kept();
    const [collector, port] = await startServer(kept);
    const { code, stderr } = await runProgram(REMOTE, [String(port), KEY, "20000"]);
    expect([code, stderr]).toEqual([0, ""]);
    getLogger().info({ label: "own", i: 0 }, "line");
    await collector.close();
    expect(numbersOf(kept.lines, "remote")).toEqual(count(20_000));
    expect(numbersOf(kept.lines, "child")).toEqual(count(20_000));
    expect(numbersOf(kept.lines, "own")).toEqual([0]);
    expect(new Set(kept.lines.map(({ pid }) => pid)).size).toBe(3);
  });

  test("that exits at once says on standard error what is not confirmed: nothing is lost", async () => {
    const kept = new Kept();
    const [collector, port] = await startServer(kept);
    const { code, stderr } = await runProgram(REMOTE, [String(port), KEY, "5000", "exit"]);
    expect(code).toBe(0);
    await collector.close();
    const fallen = stderr
      .split("\n")
      .filter(Boolean)
      .map((line): Line => JSON.parse(line) as Line);
    for (const label of ["remote", "child"]) {
      const seen = new Set([...numbersOf(kept.lines, label), ...numbersOf(fallen, label)]);
      expect([...seen].toSorted((a, b) => a - b)).toEqual(count(5000));
    }
  });

  test("falls back to standard error with a notice when the server is gone", async () => {
    const kept = new Kept();
    const [collector, port] = await startServer(kept);
    const program = startProgram(REMOTE, [String(port), KEY, "10", "wait"]);
    await untilLine(program.child, /logged/);
    await collector.close();
    expect(numbersOf(kept.lines, "remote")).toEqual(count(10));
    process.kill(program.pid, "SIGUSR2");
    const { code, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/the log server at 127.0.0.1:\d+ has not confirmed 1 messages/);
    expect(stderr).toContain('"label":"late"');
  });

  test("is reached again when it is back; nothing is lost between", async () => {
    const [first, port] = await startServer(new Kept());
    const program = startProgram(REMOTE, [String(port), KEY, "10", "again"]);
    await untilLine(program.child, /logged/);
    await first.close();
    process.kill(program.pid, "SIGUSR2");
    const kept = new Kept();
    const [second] = await startServer(kept, port);
    await eventually("records go to the second server", () => {
      process.kill(program.pid, "SIGUSR2");
      return numbersOf(kept.lines, "late").length > 0;
    });
    process.kill(program.pid, "SIGHUP");
    const { code, stderr } = await program.ended;
    await second.close();
    expect(code).toBe(0);
    expect(stderr).toMatch(/the log server at 127.0.0.1:\d+ is back/);
    const aside = stderr
      .split("\n")
      .filter((line) => line.includes('"late"'))
      .map((line) => (JSON.parse(line) as Line).i!);
    const arrived = numbersOf(kept.lines, "late");
    expect([...aside, ...arrived]).toEqual(count(aside.length + arrived.length));
  });

  test("needs the key, and a server", async () => {
    const [collector, port] = await startServer(new Kept());
    const address = { host: "127.0.0.1", port };
    expect(await rejection(connectLogServer(address, { authKey: "another" }))).toMatchObject({
      code: "ERR_MANYCORE_AUTHENTICATION",
    });
    await collector.close();
    expect(await rejection(connectLogServer(address, { authKey: KEY }))).toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  test("waits while the destination is slow", async () => {
    let taken: (() => void) | undefined;
    const slow = new Writable({
      highWaterMark: 1000,
      write: (_chunk, _encoding, done) => (taken = done),
    });
    const [collector, port] = await startServer(slow);
    const sender = await connect({ host: "127.0.0.1", port }, { authKey: KEY });
    await sender.sendBytes(Buffer.from(`${"x".repeat(2000)}\n`));
    await sender.sendBytes(Buffer.from("second\n"));
    expect(await sender.poll({ timeout: 50 })).toBe(false);
    taken!();
    expect(await sender.recvBytes()).toEqual(new Uint8Array([1]));
    sender.close();
    taken!();
    await collector.close();
  });
});

describe("a hostile program", () => {
  const messages: [string, string][] = [
    ["a line that is too long", `${"y".repeat(10_001)}\n`],
    ["a part of a line", "no newline"],
    ["nothing", ""],
  ];
  test.each(messages)("that sends %s is let go, and no other", async (_what, text) => {
    const kept = new Kept();
    const [collector, port] = await startServer(kept);
    const address: Address = { host: "127.0.0.1", port };
    const good = await connect(address, { authKey: KEY });
    const bad = await connect(address, { authKey: KEY });
    await bad.sendBytes(Buffer.from(text));
    expect(await rejection(bad.recvBytes({ timeout: 20_000 }))).toMatchObject({
      code: "ERR_MANYCORE_END_OF_STREAM",
    });
    await good.sendBytes(Buffer.from('{"label":"good","i":0,"pid":1}\n'));
    await good.recvBytes({ timeout: 20_000 });
    good.close();
    bad.close();
    await collector.close();
    expect(kept.lines).toHaveLength(1);
  });

  test("that does not know the key writes nothing", async () => {
    const kept = new Kept();
    const [collector, port] = await startServer(kept);
    const socket = await stranger({ port });
    const closed = untilClosed(socket);
    socket.write("{}\n{}\n{}\n".repeat(100));
    await closed;
    await collector.close();
    expect(kept.lines).toEqual([]);
  });
});

test("an address that is taken is an error of the start, and nothing stays behind", async () => {
  const [collector, port] = await startServer(new Kept());
  const second = LogCollector.start({ address: { host: "127.0.0.1", port } });
  expect(await rejection(second)).toMatchObject({ code: "EADDRINUSE" });
  await collector.close();
  await once(new Kept().end(), "finish");
});
