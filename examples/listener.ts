// A server and a client that know the same key, on this machine.
import { type Address, connect, isMain, Listener, Process } from "manycore";

export async function client(address: Address, key: string): Promise<void> {
  const connection = await connect(address, { authKey: key });
  await connection.send({ hello: "server" });
  console.log(`client got ${JSON.stringify(await connection.recv())}`);
  connection.close();
}

if (isMain(import.meta)) {
  const key = "secret password";
  const listener = await Listener.listen({ family: "tcp", authKey: key });
  const process = await new Process({ target: client, args: [listener.address, key] }).start();
  const connection = await listener.accept();
  console.log(`server got ${JSON.stringify(await connection.recv())}`);
  await connection.send({ hello: "client" });
  await process.join();
  listener.close();
}
