import { lstatSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { crypto } from "../util/builtin.ts";
import { onSharedFile } from "./shared-file.ts";
import { FOLDER_VARIABLE, NAMESPACE_VARIABLE } from "./variables.ts";

const DEFAULT_NAME = "default";
const VALID_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The namespace that the environment names; undefined when it names none. */
export function chosenNamespace(): string | undefined {
  return process.env[NAMESPACE_VARIABLE];
}

/** The namespace this process is in: processes of one user see each other's objects if it is the same. */
function namespaceName(): string {
  const name = chosenNamespace() ?? DEFAULT_NAME;
  if (!VALID_NAME.test(name)) {
    throw new InvalidStateError(
      `${NAMESPACE_VARIABLE} is ${JSON.stringify(name)}: use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit.`,
    );
  }
  return name;
}

/**
 * Where the namespaces of this user are: in the folder that `MANYCORE_RUNTIME_DIR` names; by default in memory on
 * Linux, in the user's temporary folder elsewhere.
 */
export function runtimeFolder(): string {
  const uid = process.geteuid?.();
  if (uid === undefined) {
    throw new NotSupportedError(
      "Shared memory needs a POSIX system. Processes, threads, pools and executors work without it.",
    );
  }
  return join(parentFolder(), `manycore-${uid}`);
}

function parentFolder(): string {
  const given = process.env[FOLDER_VARIABLE];
  if (given === undefined) return process.platform === "linux" ? "/dev/shm" : tmpdir();
  if (!isAbsolute(given)) {
    throw new InvalidStateError(
      `${FOLDER_VARIABLE} is ${JSON.stringify(given)}: use the absolute path of a folder, best one in memory.`,
    );
  }
  return onSharedFile(given, () => {
    // Objects say where they are when they are sent: programs that spell the folder differently have to agree.
    const path = realpathSync(given);
    const { mode } = statSync(path);
    if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0) {
      throw new InvalidStateError(
        `${FOLDER_VARIABLE} is ${given}, where others may rename and remove what is this user's (mode ${(mode & 0o7777).toString(8)}): it will not be trusted with shared objects. Run chmod go-w (or chmod +t) on it, or name another one.`,
      );
    }
    return path;
  });
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
 * @throws InvalidStateError when someone else made it, or can enter it.
 */
export function openNamespace(): string {
  const parent = runtimeFolder();
  const folder = namespaceFolder();
  for (const path of [parent, folder]) {
    onSharedFile(path, () => {
      makeFolder(path);
      checkFolder(path);
    });
  }
  return folder;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Where nothing can be made, EROFS or EACCES may come before EEXIST: then it depends on what is there.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw error;
  }
}

/** Refuses a folder that is not this user's own. */
export function checkFolder(path: string): void {
  const status = lstatSync(path);
  const advice = `Remove it, or set ${path === runtimeFolder() ? `${FOLDER_VARIABLE} to a folder that is yours, for all your programs` : `${NAMESPACE_VARIABLE} to another name`}.`;
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
