import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { relay } from "../../dist/connection/relay.js";

/** Two sockets joined by the loopback. */
async function joined(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([
    once(server, "connection"),
    once(client, "connect"),
  ])) as [[Socket], unknown];
  server.close();
  return [client, accepted];
}

// What moves a connection whose other side is a stranger, where sockets themselves cannot be sent.
test("a relay carries bytes and the end both ways", async () => {
  const [left, first] = await joined();
  const [right, second] = await joined();
  relay(first, second);
  left.write("there");
  expect(String((await once(right, "data"))[0])).toBe("there");
  right.end("and back");
  expect(String((await once(left, "data"))[0])).toBe("and back");
  left.resume();
  left.end();
  await once(left, "end");
  right.resume();
  await Promise.all([once(first, "close"), once(second, "close")]);
  left.destroy();
  right.destroy();
});
