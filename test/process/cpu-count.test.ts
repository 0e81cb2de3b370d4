import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { cpuCount } from "manycore";
import { cgroupCpus } from "../../dist/process/cpu-count.js";

/** The limit in a made-up file system. */
function limitOf(files: Record<string, string>): number {
  const root = mkdtempSync(join(tmpdir(), "manycore-cgroup-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return cgroupCpus(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("cpuCount", () => {
  test("is a whole number from 1 to what the process may use", () => {
    expect(Number.isInteger(cpuCount())).toBe(true);
    expect(cpuCount()).toBeGreaterThanOrEqual(1);
    expect(cpuCount()).toBeLessThanOrEqual(availableParallelism());
  });

  test("takes the smallest limit on the way up in version 2", () => {
    const files = {
      "proc/self/cgroup": "0::/user/job\n",
      "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
      "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
    };
    expect(limitOf(files)).toBe(1.5);
    expect(limitOf({ ...files, "sys/fs/cgroup/user/job/cpu.max": "50000 100000\n" })).toBe(0.5);
  });

  test("finds the container's own limit when its path is not visible", () => {
    expect(
      limitOf({
        "proc/self/cgroup": "0::/host/path\n",
        "sys/fs/cgroup/cpu.max": "400000 100000\n",
      }),
    ).toBe(4);
  });

  test("reads version 1, where -1 is no limit", () => {
    const group = "9:memory:/x\n2:cpu,cpuacct:/job\n1:name=systemd:/\n";
    const at = "sys/fs/cgroup/cpu/job/";
    expect(
      limitOf({
        "proc/self/cgroup": group,
        [`${at}cpu.cfs_quota_us`]: "250000\n",
        [`${at}cpu.cfs_period_us`]: "100000\n",
      }),
    ).toBe(2.5);
    expect(
      limitOf({
        "proc/self/cgroup": group,
        [`${at}cpu.cfs_quota_us`]: "-1\n",
        [`${at}cpu.cfs_period_us`]: "100000\n",
      }),
    ).toBe(Infinity);
  });

  test("is not limited where there are no control groups", () => {
    expect(limitOf({})).toBe(Infinity);
    expect(limitOf({ "proc/self/cgroup": "0::/\n" })).toBe(Infinity);
  });
});
