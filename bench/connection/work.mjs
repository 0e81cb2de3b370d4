// The other side of the pairs in rivals.mjs.
import { connect } from "manycore";

/** Counts messages and answers the last, or sends each back. */
export async function serve(connection, kind, total, isBytes) {
  await connection.send("ready");
  if (kind === "stream") {
    for (let i = 0; i < total; i++) await (isBytes ? connection.recvBytes() : connection.recv());
    await connection.send(total);
    return;
  }
  for (let i = 0; i < total; i++) {
    if (isBytes) await connection.sendBytes(await connection.recvBytes());
    else await connection.send(await connection.recv());
  }
}

export async function dial(address, kind, total, isBytes) {
  const connection = await connect(address, { authKey: "k" });
  await serve(connection, kind, total, isBytes);
  connection.close();
}
