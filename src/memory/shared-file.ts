import { dirname } from "node:path";
import { InvalidStateError } from "../errors/index.ts";
import { FOLDER_VARIABLE, NAMESPACE_VARIABLE } from "./variables.ts";

const ELSEWHERE = `set ${FOLDER_VARIABLE} to another folder, the same for all programs that share objects`;

/** What the system's code means for a file of shared objects, and what to do about it. */
const REASONS: Readonly<Record<string, (path: string) => string>> = {
  EACCES: (path) =>
    `this user may not use it. Look at owner and mode (ls -ld ${path} ${dirname(path)}), or ${ELSEWHERE}.`,
  EDQUOT: () => full("this user has no more room in the file system"),
  EEXIST: () => "something else is in its place. Remove it when no program uses it.",
  EFBIG: () => "no file there can be that long. Make several smaller objects.",
  EISDIR: () => "a folder is in its place. Remove it when no program uses it.",
  ELOOP: () => "a symbolic link is in its place, which is not followed. Remove it.",
  EMFILE: () =>
    "this process has as many files open as it may. Close some, share objects with fewer threads, or allow more (ulimit -n).",
  ENAMETOOLONG: () =>
    `the path is too long. Choose a shorter ${NAMESPACE_VARIABLE} or ${FOLDER_VARIABLE}.`,
  ENFILE: () => "the system has as many files open as it may (fs.file-max).",
  ENODEV: () => `its file system cannot share memory. Use one in memory (tmpfs), or ${ELSEWHERE}.`,
  ENOENT: () =>
    `it, or a folder on its way, does not exist. Make the folder (in a container: --tmpfs /dev/shm), or ${ELSEWHERE}; if a tool removed it while programs used it, restart them.`,
  ENOMEM: () =>
    "this process has no room for more addresses (ulimit -v), or too many mappings (vm.max_map_count). Close shared objects that are not needed.",
  ENOSPC: () => full("the file system is full"),
  ENOTDIR: () => `something on its way is not a folder. Remove that, or ${ELSEWHERE}.`,
  EPERM: (path) =>
    `the system does not allow it. Look at owner, mode and attributes of ${dirname(path)}, or ${ELSEWHERE}.`,
  EROFS: () => `the file system is read-only. Mount it for writing, or ${ELSEWHERE}.`,
};

function full(what: string): string {
  return `${what}. Close or unlink what is not needed (\`manycore clean\` removes what the dead left), or give it more room (in a container: --shm-size).`;
}

/**
 * The system's code behind an error, such as `ENOSPC`, also where it was explained by {@link explainFileError}.
 */
export function errnoOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (code === "ERR_FS_EISDIR") return "EISDIR";
    if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

/**
 * An error of the system about a file of shared objects, as one that says what, where and what to do. Others stay as
 * they are.
 */
export function explainFileError(error: unknown, path: string): unknown {
  const code = errnoOf(error);
  if (code === undefined || error instanceof InvalidStateError) return error;
  const { syscall = "use" } = error as NodeJS.ErrnoException;
  const reason = REASONS[code]?.(path) ?? `the system says ${(error as Error).message}.`;
  return new InvalidStateError(
    `Shared objects need ${path}, and that failed (${syscall}: ${code}): ${reason}`,
    { cause: error },
  );
}

/** Does something with a file of shared objects; every such operation goes through here. */
export function onSharedFile<T>(path: string, operate: () => T): T {
  try {
    return operate();
  } catch (error) {
    throw explainFileError(error, path);
  }
}
