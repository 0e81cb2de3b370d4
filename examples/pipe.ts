// A child sends values through a pipe; then a sender and a receiver until the end of the stream.
import { type Connection, EndOfStreamError, isMain, pipe, Process } from "manycore";

export async function sendTwo(connection: Connection<unknown>): Promise<void> {
  await connection.send([1, 2, 3]);
  await connection.send("hello");
  connection.close();
}

export async function receiveAll(connection: Connection<number>): Promise<void> {
  try {
    for (;;) console.log(`received ${await connection.recv()}`);
  } catch (error) {
    if (!(error instanceof EndOfStreamError)) throw error;
    console.log("end of stream");
  }
}

if (isMain(import.meta)) {
  const [parent, child] = pipe<unknown>();
  const sender = await new Process({ target: sendTwo, args: [child] }).start();
  console.log(await parent.recv());
  console.log(await parent.recv());
  await sender.join();
  parent.close();

  const [source, sink] = pipe<number>();
  const receiver = await new Process({ target: receiveAll, args: [sink] }).start();
  for (const value of [1, 2, 3]) await source.send(value);
  source.close();
  await receiver.join();
}
