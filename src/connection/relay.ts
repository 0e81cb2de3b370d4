import type { Socket } from "node:net";

/** Carries bytes between two sockets, both ways, until one of them ends. Keeps the program running. */
export function relay(first: Socket, second: Socket): void {
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    from.ref();
    from.pipe(to);
    // The close that follows ends the other one.
    from.on("error", () => {});
    from.once("close", () => to.destroySoon());
  }
}
