import { transfer } from "manycore";
import { flip } from "../../tasks.mjs";

export function flipMoved(bytes) {
  return transfer(flip(bytes), [bytes.buffer]);
}
