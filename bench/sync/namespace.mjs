import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder of a namespace, to remove it after a run. */
export function namespaceFolder(name) {
  const root = process.platform === "linux" ? "/dev/shm" : tmpdir();
  return join(root, `manycore-${process.geteuid()}`, name);
}
