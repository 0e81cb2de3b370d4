import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { markAsWorker } from "../task/is-main.ts";
import { crypto } from "../util/builtin.ts";
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

/** The identity of this process; the root makes its own, with a fresh key, on first use. */
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

/** The identity of this thread; undefined in the main thread of a process. */
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

const KEY_BYTES = 32;
const KERNEL = "/dev/urandom";

/**
 * From the kernel itself where that can be asked by a file: the first worker waits for this, and `node:crypto`,
 * which is seeded from there, takes 2 ms to load. Children inherit the key.
 */
function freshKey(): Uint8Array {
  if (process.platform === "win32" || !existsSync(KERNEL)) return crypto().randomBytes(KEY_BYTES);
  const key = new Uint8Array(KEY_BYTES);
  let fd: number;
  try {
    fd = openSync(KERNEL, "r");
  } catch {
    // No file is left for this process, or it may not open this one: the other way needs none.
    return crypto().randomBytes(KEY_BYTES);
  }
  try {
    // The device answers in one piece; anything else leaves zeros in the key.
    if (fstatSync(fd).isCharacterDevice() && readSync(fd, key, 0, KEY_BYTES, null) === KEY_BYTES) {
      return key;
    }
  } finally {
    closeSync(fd);
  }
  return crypto().randomBytes(KEY_BYTES);
}
