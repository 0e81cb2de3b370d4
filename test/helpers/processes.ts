import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** What `/proc` tells about one process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  /** One letter as in `ps`: R running, S sleeping, Z dead but not yet waited for. */
  readonly state: string;
  readonly command: string;
}

/** Whether this machine has a `/proc` to read; elsewhere the tree readers below answer with nothing. */
export const hasProc: boolean = process.platform === "linux";

/** Waits between two looks at the process table. There is no event for the death of somebody else's child. */
const POLL_MS = 10;

/**
 * All processes below `pid` (children, their children, …), without `pid` itself and without the
 * dead ones. Empty where there is no `/proc`.
 */
export function processesOf(pid: number): ProcessRow[] {
  const rows = allProcesses().filter((row) => !isDead(row.state));
  const found: ProcessRow[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const row of rows) {
      if (row.parent !== parent) continue;
      found.push(row);
      parents.push(row.pid);
    }
  }
  return found;
}

/** Those of our own programs: without the shells that end children with their parent (`process/sentinel.ts`). */
export function withoutSentinels(rows: readonly ProcessRow[]): ProcessRow[] {
  return rows.filter((row) => !isSentinel(row));
}

export function isSentinel(row: ProcessRow): boolean {
  return row.command.includes("manycore-sentinel");
}

/**
 * Living processes that were started with `name=value` in their environment, wherever they hang
 * in the tree: finds those whose parent died and whom init adopted.
 */
export function processesWithEnv(name: string, value: string): ProcessRow[] {
  return allProcesses().filter((row) => {
    if (isDead(row.state) || row.pid === process.pid) return false;
    const environment = readProc(row.pid, "environ");
    return environment !== undefined && environment.split("\0").includes(`${name}=${value}`);
  });
}

/** Whether a process runs. One that ended and was not waited for yet (a zombie) is dead. */
export function isAlive(pid: number): boolean {
  if (hasProc) {
    const row = readRow(pid);
    return row !== undefined && !isDead(row.state);
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Waits until a process is dead and gives the milliseconds that took.
 * @throws Error when it still lives after `boundMs`.
 */
export async function waitForDeath(pid: number, boundMs = 5_000): Promise<number> {
  const begun = performance.now();
  while (isAlive(pid)) {
    if (performance.now() - begun > boundMs) {
      throw new Error(`process ${describeProcess(pid)} still lives after ${boundMs} ms`);
    }
    await delay(POLL_MS);
  }
  return performance.now() - begun;
}

/** Waits until `probe` gives something other than undefined or false; the bound is only against hangs. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  boundMs = 10_000,
): Promise<NonNullable<T>> {
  const begun = performance.now();
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() - begun > boundMs) {
      throw new Error(`${what}: not so after ${boundMs} ms`);
    }
    await delay(POLL_MS);
  }
}

/** A process in words, for messages. */
export function describeProcess(pid: number): string {
  const row = hasProc ? readRow(pid) : undefined;
  return row === undefined
    ? String(pid)
    : `${pid} (parent ${row.parent}, ${row.state}): ${row.command}`;
}

function isDead(state: string): boolean {
  return state === "Z" || state === "X";
}

function allProcesses(): ProcessRow[] {
  if (!hasProc) return [];
  const rows: ProcessRow[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const row = readRow(Number(name));
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function readRow(pid: number): ProcessRow | undefined {
  const stat = readProc(pid, "stat");
  if (stat === undefined) return undefined;
  // The second field is the command in brackets and may hold blanks and brackets itself.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || parent === undefined) return undefined;
  const words = readProc(pid, "cmdline")?.split("\0").join(" ").trim();
  const command = words ? words : stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
  return { pid, parent: Number(parent), state, command };
}

/** Undefined for a process that is gone by now or belongs to somebody else. */
function readProc(pid: number, file: "stat" | "cmdline" | "environ"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}
