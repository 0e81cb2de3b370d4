import { readFileSync } from "node:fs";
import { readStat } from "./tree-cpu.mjs";

/**
 * Starts watching what everybody else takes of the machine, the hypervisor included.
 *
 * @returns a function that gives the share of all CPU time since, 0 to 1, that went neither to this process
 *   nor to the children it has waited for; `undefined` where there is no /proc.
 */
export function startOtherLoad() {
  if (process.platform !== "linux") return () => undefined;
  const before = sample();
  return () => {
    const after = sample();
    const others = after.busy - before.busy - (after.ours - before.ours);
    return Math.max(0, others / (after.all - before.all));
  };
}

function sample() {
  // proc(5): user nice system idle iowait irq softirq steal; guest time is part of user.
  const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  const { own, waited } = readStat("self");
  return { busy, all: busy + idle + iowait, ours: own + waited };
}
