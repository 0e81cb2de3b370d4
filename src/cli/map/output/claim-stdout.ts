import { os } from "../../../os/index.ts";

/**
 * Takes standard output away from all that runs in this process: descriptor 1 becomes standard error.
 *
 * Threads share the descriptors of the command, and so do the programs that a function starts; what they
 * write to number 1 would stand in the middle of a result.
 *
 * @returns the descriptor of what was standard output; 1 itself on platforms without the system calls.
 */
export function claimStdout(): number {
  try {
    const own = os().duplicate(1);
    os().replace(2, 1);
    return own;
  } catch {
    // Without them only what is printed by console and process.stdout is kept off, as docs/map.md says.
    return 1;
  }
}
