import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import type { ExitStatus } from "../wire/index.ts";
import { performance } from "../util/platform.ts";

/** First and longest pause between two looks; short joins are answered soon, long ones cost next to nothing. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 10;

/**
 * Calls `look` until it gives something, blocking this thread in between.
 *
 * @returns undefined when `timeout` milliseconds have passed; looks at least once.
 */
export function pollSync<T>(look: () => T | undefined, timeout: number): T | undefined {
  const end = performance.now() + timeout;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let delay = FIRST_PAUSE_MS; ; delay = Math.min(delay * 2, LONGEST_PAUSE_MS)) {
    const found = look();
    if (found !== undefined) return found;
    const left = end - performance.now();
    if (left <= 0) return undefined;
    Atomics.wait(pause, 0, 0, Math.min(delay, left));
  }
}

/**
 * True when `/proc` speaks of processes by the ids that this one knows them by: not in a PID namespace whose `/proc` is
 * that of another one, nor where none is mounted. There an id would be a stranger's.
 */
export function isProcOurs(): boolean {
  try {
    return readlinkSync("/proc/self") === String(process.pid);
  } catch {
    return false;
  }
}

/**
 * The end of a child of this process that nobody has waited for yet; Linux only.
 *
 * A zombie's line in `/proc` ends with its exit status (proc(5), field 52). It stays there until libuv
 * collects it, which needs the event loop that the caller is blocking; until then nobody else gets its id.
 * Call it where {@link isProcOurs}.
 *
 * @returns undefined while it runs.
 */
export function exitOfZombie(pid: number): ExitStatus | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the command in brackets and may hold blanks and brackets itself.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  if (fields[0] !== "Z") return undefined;
  const status = Number(fields.at(-1));
  const signal = status & 0x7f;
  if (signal === 0) return { code: (status >> 8) & 0xff, signal: undefined };
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  return { code: undefined, signal: name };
}
