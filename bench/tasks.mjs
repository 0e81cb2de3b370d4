/** What the workers of every JavaScript contender run. Each returns something that can be checked. */

/** Does nothing; its result says which call it belongs to. */
export function noop(value) {
  return value;
}

/** Keeps one core busy for `rounds` turns of a loop the compiler cannot remove. */
export function spin(rounds) {
  let state = 1;
  for (let i = 0; i < rounds; i++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state;
}

/** Inverts the first and the last byte and gives the bytes back: proof that they were here. */
export function flip(bytes) {
  bytes[0] ^= 0xff;
  bytes[bytes.length - 1] ^= 0xff;
  return bytes;
}

/** Counts in the tree and gives it back. */
export function echoTree(tree) {
  tree.seen += 1;
  return tree;
}
