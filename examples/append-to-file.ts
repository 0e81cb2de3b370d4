// Two processes append to one file: one within `lock.run`, one with acquire and release.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMain, Lock, Process } from "manycore";

export async function withRun(lock: Lock, file: string): Promise<void> {
  await lock.run(() => {
    appendFileSync(file, "lock acquired via run\n");
  });
}

export async function withoutRun(lock: Lock, file: string): Promise<void> {
  await lock.acquire();
  try {
    appendFileSync(file, "lock acquired directly\n");
  } finally {
    lock.release();
  }
}

if (isMain(import.meta)) {
  const folder = mkdtempSync(join(tmpdir(), "append-"));
  const file = join(folder, "file");
  const lock = new Lock();
  const writers = [
    new Process({ target: withRun, args: [lock, file] }),
    new Process({ target: withoutRun, args: [lock, file] }),
  ];
  for (const writer of writers) await writer.start();
  for (const writer of writers) await writer.join();
  console.log(readFileSync(file, "utf8").split("\n").sort().join("\n").trim());
  rmSync(folder, { recursive: true });
}
