import { load } from "../../rivals/load.mjs";
import { flip } from "../../tasks.mjs";

const { move } = await load("piscina");

/** Moves the bytes back instead of copying them. */
export function flipMoved(bytes) {
  return move(flip(bytes).buffer);
}
