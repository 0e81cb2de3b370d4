import { closeSync } from "node:fs";
import { createServer, type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openNamelessFile } from "../../dist/util/nameless-file.js";
import { SocketChannel } from "../../dist/wire/socket-channel.js";

const files: number[] = [];

afterEach(() => {
  for (const fd of files.splice(0)) closeSync(fd);
});

/** Two connected channels in one process, with lanes between them. */
async function makePair(withLane: boolean): Promise<[SocketChannel, SocketChannel]> {
  const path = join(tmpdir(), `manycore-channel-${process.pid}-${Math.random()}`);
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const near = connect(path);
  const far = await accepted;
  server.close();
  if (!withLane) return [new SocketChannel(near), new SocketChannel(far)];
  const [there, back] = [openNamelessFile(), openNamelessFile()];
  files.push(there, back);
  return [
    new SocketChannel(near, { lane: { out: there, in: back } }),
    new SocketChannel(far, { lane: { out: back, in: there } }),
  ];
}

describe.each([
  ["with lanes", true],
  ["without lanes", false],
])("SocketChannel %s", (_, withLane) => {
  test("large and small messages and attachments arrive in order, whatever becomes of the originals", async () => {
    const [near, far] = await makePair(withLane);
    const received: unknown[] = [];
    const closed = new Promise<void>((resolve) => (far.onClose = () => resolve()));
    far.onFrame = ([i, bytes], attachments) => {
      const parts = [bytes as Uint8Array, ...((attachments ?? []) as Uint8Array[])];
      received.push([i, ...parts.map((part) => [part.length, part[0], part.at(-1)])]);
      if (i === 30) far.close();
    };
    near.start();
    far.start();
    const expected: unknown[] = [];
    for (let i = 1; i <= 30; i++) {
      const message = new Uint8Array(i % 3 === 0 ? 300_000 : 100).fill(i);
      const attached = i % 2 === 0 ? [new Uint8Array(100_000 * (i % 5)).fill(i + 100)] : undefined;
      near.send([i, message], attached);
      const parts = [message, ...(attached ?? [])].map((part) => [
        part.length,
        part[0],
        part.at(-1),
      ]);
      expected.push([i, ...parts]);
      for (const part of attached ?? []) part.fill(0);
    }
    await closed;
    expect(received).toEqual(expected);
  });
});
