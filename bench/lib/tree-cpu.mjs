import { readdirSync, readFileSync } from "node:fs";

// USER_HZ: the unit of times in /proc, 100 on every Linux architecture Node runs on.
const MICROSECONDS_PER_TICK = 1_000_000 / 100;

/**
 * Starts counting the CPU time of this process and all its descendants.
 *
 * @returns a function that tells the microseconds used since; `undefined` where there is no /proc.
 */
export function startTreeCpu() {
  const childrenBefore = descendantsMicros();
  const ownBefore = ownMicros();
  return () => {
    const own = ownMicros() - ownBefore;
    const children = descendantsMicros();
    return children === undefined ? undefined : own + children - childrenBefore;
  };
}

function ownMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Time of living descendants, and of dead ones as far as their parents have waited for them. */
function descendantsMicros() {
  if (process.platform !== "linux") return undefined;
  const stats = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(entry);
    if (stat !== undefined) stats.set(Number(entry), stat);
  }
  let ticks = stats.get(process.pid).waited;
  for (const [pid, stat] of stats) {
    if (isDescendant(pid, stats)) ticks += stat.own + stat.waited;
  }
  return ticks * MICROSECONDS_PER_TICK;
}

function isDescendant(pid, stats) {
  for (let parent = stats.get(pid)?.parent; parent !== undefined;) {
    if (parent === process.pid) return true;
    parent = stats.get(parent)?.parent;
  }
  return false;
}

/** proc(5): the name in parentheses may hold spaces, so fields are counted behind it. */
export function readStat(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // It ended since the folder was read.
  }
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  return { parent: fields[1], own: fields[11] + fields[12], waited: fields[13] + fields[14] };
}
