import { load } from "../../rivals/load.mjs";
import { flip } from "../../tasks.mjs";

const { Tinypool } = await load("tinypool");

/** Moves the bytes back instead of copying them. */
export function flipMoved(bytes) {
  return Tinypool.move(flip(bytes).buffer);
}
