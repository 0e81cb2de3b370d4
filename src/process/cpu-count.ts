import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/**
 * The number of threads that this process can really run at once: the processors it may use (affinity), no more
 * than its control group's share of processor time (v1 and v2; 1.5 processors count as 2); at least 1.
 *
 * @since 0.1.0
 */
export function cpuCount(): number {
  const usable = availableParallelism();
  const share = process.platform === "linux" ? cgroupCpus("/") : Infinity;
  return Math.max(1, Math.min(usable, Math.ceil(share)));
}

/**
 * The processors' worth of time the control group may use: the smallest limit on the way up from it,
 * `Infinity` without one. In a container the group's own path may not be visible; its root then is.
 *
 * @param root - where the file system begins; other than `/` in tests.
 */
export function cgroupCpus(root: string): number {
  const groups = read(join(root, "proc/self/cgroup"));
  if (groups === undefined) return Infinity;
  let limit = Infinity;
  for (const line of groups.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const isV2 = controllers === "";
    if (!isV2 && !controllers.split(",").includes("cpu")) continue;
    const mount = join(root, "sys/fs/cgroup", isV2 ? "" : "cpu");
    for (let at = path; ; at = dirname(at)) {
      limit = Math.min(limit, isV2 ? limitV2(join(mount, at)) : limitV1(join(mount, at)));
      if (at === "/" || at === ".") break;
    }
  }
  return limit;
}

function limitV2(folder: string): number {
  const [quota, period] = read(join(folder, "cpu.max"))?.trim().split(" ") ?? [];
  return quotient(quota, period);
}

function limitV1(folder: string): number {
  return quotient(read(join(folder, "cpu.cfs_quota_us")), read(join(folder, "cpu.cfs_period_us")));
}

/** Infinity for "max", for -1 (both mean no limit) and for what is not there. */
function quotient(quota: string | undefined, period: string | undefined): number {
  const share = Number(quota) / Number(period ?? 100_000);
  return share > 0 ? share : Infinity;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
