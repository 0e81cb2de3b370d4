import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const { errnoOf, explainFileError } = (await import(
  new URL("../../dist/memory/index.js", import.meta.url).href
)) as typeof import("../../src/memory/index.ts");

const PROGRAM = fileURLToPath(new URL("../fixtures/memory/uses.mjs", import.meta.url));
const uid = process.geteuid!();

interface Answer {
  readonly name: string;
  readonly value?: unknown;
  readonly code?: string;
  readonly message?: string;
  readonly errno?: string;
}

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "manycore-files-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs the program with a runtime folder; `before` are shell commands in a mount namespace of their own. */
function use(names: readonly string[], folder: string = root, before?: string): Answer[] {
  const program = [PROGRAM, ...names];
  const [command, args] =
    before === undefined
      ? [process.execPath, program]
      : [
          canMount ? "unshare" : "env",
          [
            ...(canMount ? ["-m"] : []),
            "sh",
            "-c",
            `${before}; exec "$0" "$@"`,
            process.execPath,
            ...program,
          ],
        ];
  const env = { ...process.env, MANYCORE_RUNTIME_DIR: folder, MANYCORE_NAMESPACE: "files" };
  const { stdout, stderr, status } = spawnSync(command, args, { env, encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}

const place = (...names: string[]): string => join(root, `manycore-${uid}`, "files", ...names);
const canMount =
  uid === 0 && spawnSync("unshare", ["-m", "true"], { stdio: "ignore" }).status === 0;

describe("MANYCORE_RUNTIME_DIR", () => {
  test("names the folder in which everything shared is, for threads, too", () => {
    expect(use(["files", "threads"])).toEqual([
      { name: "files", value: [[`manycore-${uid}`], false] },
      { name: "threads", value: true },
    ]);
    expect(readdirSync(place())).toEqual(["arena.v1"]);
  });

  test("may be spelled differently by programs that meet", () => {
    const link = `${root}-link`;
    symlinkSync(root, link);
    try {
      expect(use(["listener", "threads"], `${link}/`)).toMatchObject([
        { name: "listener" },
        { name: "threads", value: true },
      ]);
      expect(readdirSync(place())).toEqual(["arena.v1"]);
    } finally {
      rmSync(link);
    }
  });

  test.each([
    ["one that is relative", () => "here", /MANYCORE_RUNTIME_DIR is "here": use the absolute path/],
    [
      "one that is missing",
      () => join(root, "no"),
      /\(lstat: ENOENT\): it, or a folder on its way/,
    ],
    ["one in which others may rename", () => (chmodSync(root, 0o777), root), /Run chmod go-w/],
  ])("refuses %s", (_what, folder, message) => {
    for (const { code, message: told } of use(["lock", "listener", "log"], folder())) {
      expect(code).toBe("ERR_MANYCORE_INVALID_STATE");
      expect(told).toMatch(message);
    }
  });

  test.runIf(uid === 0)("is the way out when another user was there first", () => {
    mkdirSync(join(root, "manycore-0"), { mode: 0o700 });
    chownSync(join(root, "manycore-0"), 65_534, 65_534);
    for (const { message } of use(["lock", "queue", "array", "listener", "log"])) {
      expect(message).toMatch(
        /manycore-0 belongs to user 65534: .* set MANYCORE_RUNTIME_DIR to a folder that is yours, for all your/,
      );
    }
  });
});

describe("what cannot be used says what, where and what to do", () => {
  test.each([
    ["EISDIR", "arena.v1", /a folder is in its place. Remove it/],
    ["EISDIR", "arena.v1.1", /a folder is in its place. Remove it/],
  ])("%s: %s is a folder", (errno, file, message) => {
    mkdirSync(place(file), { recursive: true, mode: 0o700 });
    const [answer] = use(["many"]);
    expect(answer).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    expect(answer!.message).toContain(`need ${place(file)}, and that failed`);
    expect(answer!.message).toContain(errno);
    expect(answer!.message).toMatch(message);
  });

  test("ENAMETOOLONG: the path of a socket", () => {
    const deep = join(root, "x".repeat(100));
    mkdirSync(deep);
    for (const { message } of use(["listener", "log"], deep)) {
      expect(message).toMatch(/The path of a socket may have 107 bytes.*choose a shorter/);
    }
  });

  test.runIf(canMount).each([
    ["EROFS", "mount -t tmpfs -o ro none", ["lock", "queue", "array", "listener", "log"]],
    ["ENOSPC", "mount -t tmpfs -o size=64k none", ["lock", "queue"]],
    ["ENOSPC", "mount -t tmpfs -o size=4m none", ["array"]],
  ])("%s, after %s", (errno, mount, names) => {
    for (const answer of use(names, root, `${mount} ${root}`)) {
      expect(answer).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE", errno });
      expect(answer.message).toContain(root);
      expect(answer.message).toMatch(/\b(Mount|Close|Remove)\b/);
    }
  });

  test("EMFILE: a process that has no file left, or a few", () => {
    const answers = use(["crowded"], root, "ulimit -n 60")[0]!
      .value as readonly (readonly string[])[];
    expect(answers.length).toBeGreaterThan(0);
    for (const [code, message] of answers) {
      expect(code).toMatch(/^ERR_MANYCORE_/);
      expect(message).toMatch(/EMFILE.*as many files open as it may.*ulimit -n/);
    }
  });

  test("whatever the system says, the path and the code are named", () => {
    for (const code of [
      "EACCES",
      "EIO",
      "ENFILE",
      "ENODEV",
      "ENOMEM",
      "ENOTDIR",
      "EPERM",
      "EXYZ",
    ]) {
      const cause = Object.assign(new Error("i/o"), { code, syscall: "open" });
      const error = explainFileError(cause, "/dev/shm/x");
      expect(error).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE", cause });
      expect((error as Error).message).toMatch(
        new RegExp(
          String.raw`^Shared objects need /dev/shm/x, and that failed \(open: ${code}\): .+\.$`,
        ),
      );
      expect(errnoOf(error)).toBe(code);
      // Once is enough.
      expect(explainFileError(error, "/elsewhere")).toBe(error);
    }
    const other = new TypeError("none of the system's");
    expect(explainFileError(other, "/dev/shm/x")).toBe(other);
  });
});
