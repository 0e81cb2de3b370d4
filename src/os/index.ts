import { unstoppable } from "../util/stop-guard.ts";
import { Os } from "./os.ts";

export { SystemError, type Mapping, type Os } from "./os.ts";

let instance: Os | undefined;

/** The system calls of this thread, loaded on first use. */
export function os(): Os {
  instance ??= unstoppable(() => new Os());
  return instance;
}
