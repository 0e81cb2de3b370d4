import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { crypto } from "../util/builtin.ts";

/** Names the namespace of a program and, inherited, of the processes it starts. */
const VARIABLE = "MANYCORE_NAMESPACE";
const DEFAULT_NAME = "default";
const VALID_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The namespace this process is in: processes of one user see each other's objects if it is the same. */
function namespaceName(): string {
  const name = process.env[VARIABLE] ?? DEFAULT_NAME;
  if (!VALID_NAME.test(name)) {
    throw new InvalidStateError(
      `${VARIABLE} is ${JSON.stringify(name)}: use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit.`,
    );
  }
  return name;
}

/** Where the namespaces of this user are: in memory on Linux, in the user's temporary folder elsewhere. */
export function runtimeFolder(): string {
  const uid = process.geteuid?.();
  if (uid === undefined) {
    throw new NotSupportedError(
      "Shared memory needs a POSIX system. Processes, threads, pools and executors work without it.",
    );
  }
  return join(process.platform === "linux" ? "/dev/shm" : tmpdir(), `manycore-${uid}`);
}

/** The folder of a namespace, whether it exists or not. */
export function namespaceFolder(name: string = namespaceName()): string {
  return join(runtimeFolder(), name);
}

/**
 * Makes the folder of this process's namespace, or checks the one that is there: what others can write
 * to is not used.
 *
 * @returns its path.
 * @throws {@link InvalidStateError} when someone else made it, or can enter it.
 */
export function openNamespace(): string {
  const parent = runtimeFolder();
  const folder = namespaceFolder();
  for (const path of [parent, folder]) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    checkFolder(path);
  }
  return folder;
}

/** Refuses a folder that is not this user's own. */
export function checkFolder(path: string): void {
  const status = lstatSync(path);
  const advice = `Remove it, or choose another namespace with ${VARIABLE}.`;
  if (!status.isDirectory()) {
    throw new InvalidStateError(
      `${path} is not a folder, but shared objects are kept there. ${advice}`,
    );
  }
  if (status.uid !== process.geteuid?.()) {
    throw new InvalidStateError(
      `${path} belongs to user ${status.uid}: it will not be trusted with shared objects. ${advice}`,
    );
  }
  if ((status.mode & 0o077) !== 0) {
    throw new InvalidStateError(
      `Others may enter ${path} (mode ${(status.mode & 0o777).toString(8)}): it will not be trusted with shared objects. Run chmod 700 on it. ${advice}`,
    );
  }
}

/** A number for a name, by which names are found without comparing all of them; never 0. */
export function hashName(name: Uint8Array): number {
  return crypto().createHash("sha1").update(name).digest().readInt32LE(0) || 1;
}
