import { entryUrl } from "../../../util/entry-url.ts";
import { fileURLToPath } from "node:url";

/** The folder this package runs from; frames in it say nothing about the user's code. */
const PACKAGE_ROOT = new URL(".", entryUrl("index"));

/**
 * Leaves only the frames of the user's code in a stack, for a message that shows where to look.
 *
 * Should no frame be left, the head alone remains.
 */
export function userStack(stack: string): string {
  const path = fileURLToPath(PACKAGE_ROOT);
  return stack
    .split("\n")
    .filter((line) => {
      if (!/^\s+at /.test(line)) return true;
      const isOurs = line.includes(PACKAGE_ROOT.href) || line.includes(path);
      return !isOurs && !/\(?node:/.test(line) && !/[\\/]node_modules[\\/]jiti[\\/]/.test(line);
    })
    .join("\n");
}
