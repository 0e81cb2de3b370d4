import { createRequire } from "node:module";
import { markAsWorker } from "../task/is-main.ts";
import { globalSlot } from "../util/global-slot.ts";
import type { Boot, ProcessIdentity, ThreadIdentity } from "../wire/index.ts";

interface Self {
  process: ProcessIdentity | undefined;
  thread: ThreadIdentity | undefined;
  children: number;
}

const self: Self = globalSlot("identity", () => ({
  process: undefined,
  thread: undefined,
  children: 0,
}));

/** Takes over what the starter said; called once, by the entry of a process or thread. */
export function adoptIdentity(boot: Boot): void {
  self.process = boot.process;
  self.thread = boot.thread;
  markAsWorker();
}

/** Who this process is; the root makes its own identity, with a fresh key, on first use. */
export function processIdentity(): ProcessIdentity {
  self.process ??= {
    name: "MainProcess",
    daemon: false,
    path: [],
    parent: undefined,
    authKey: freshKey(),
  };
  return self.process;
}

/** Who this thread is; undefined in the main thread of a process. */
export function threadIdentity(): ThreadIdentity | undefined {
  return self.thread;
}

/** The identity of the next child: numbered per parent, named after its path as in Python (`Process-1:2`). */
export function childIdentity(prefix: string, name?: string, daemon = false): ProcessIdentity {
  const parent = processIdentity();
  self.children++;
  const path = [...parent.path, self.children];
  return {
    name: name ?? `${prefix}-${path.join(":")}`,
    daemon,
    path,
    parent: { pid: process.pid, name: parent.name },
    authKey: parent.authKey,
  };
}

/** Children inherit their key and need not load the module that makes one. */
function freshKey(): Uint8Array {
  const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");
  return crypto.randomBytes(32);
}
