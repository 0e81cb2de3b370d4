import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/**
 * Gives a test file a namespace of its own, and removes it at the end. Call it before anything shared is
 * made; processes that the tests start inherit it.
 *
 * @returns its folder.
 */
export function useNamespace(label: string): string {
  const name = `test-${label}-${process.pid}`;
  process.env["MANYCORE_NAMESPACE"] = name;
  const root = process.platform === "linux" ? "/dev/shm" : tmpdir();
  const folder = join(root, `manycore-${process.geteuid!()}`, name);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
