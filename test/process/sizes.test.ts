import { afterEach, beforeEach, expect, test } from "vitest";
import { Process } from "manycore";
import { frameLimit } from "../../dist/wire/limits.js";
import { liveChildren } from "../../dist/process/children.js";
import { rejection } from "../executor/kit.ts";
import { child } from "../fixtures/executor/sizes.js";

const TOO_LARGE = 3 * 1024 * 1024;
const usual = frameLimit.bytes;

beforeEach(() => {
  frameLimit.bytes = 2 * 1024 * 1024;
});
afterEach(() => {
  frameLimit.bytes = usual;
});

test("an argument that is too large fails the start, and no child is left", async () => {
  const process = new Process({ target: child, args: ["x".repeat(TOO_LARGE) as never] });
  const error = await rejection(process.start());
  expect(error).toMatchObject({ name: "SerializationError", path: "args" });
  expect(liveChildren("process")).toEqual([]);
});

test("a result that is too large is the child's failure, and it ends", async () => {
  const process = new Process({ target: child, args: [TOO_LARGE] });
  await process.start();
  expect(await rejection(process.result)).toMatchObject({
    name: "SerializationError",
    path: "result",
  });
  expect(await process.join()).toBe(1);
});
