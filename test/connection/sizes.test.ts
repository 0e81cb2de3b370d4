import { expect, test } from "vitest";
import { pipe } from "manycore";
import { MAX_MESSAGE_BYTES } from "../../dist/connection/message-reader.js";
import { rejection } from "./kit.ts";

// Memory that is reserved and never touched: a gigabyte of it costs nothing.
const large = (): Uint8Array => new Uint8Array(new ArrayBuffer(MAX_MESSAGE_BYTES + 1));

test("what no receiver takes is refused where it is sent, and the connection goes on", async () => {
  const [here, there] = pipe<unknown>();
  for (const sent of [here.send(large()), here.sendBytes(large())]) {
    const error = await rejection(sent);
    expect(error.code).toBe("ERR_MANYCORE_SERIALIZATION");
    expect(error.message).toMatch(/send it in parts/);
  }
  await here.send("goes on");
  expect(await there.recv()).toBe("goes on");
  here.close();
  there.close();
});
