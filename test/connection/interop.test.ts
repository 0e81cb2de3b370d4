// CPython's own Listener and Client at the other end: nothing of ours, so that nothing is shared but the protocol.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { connect, type Connection, Listener } from "manycore";
import { untilLine } from "../helpers/leaks.ts";
import { rejection } from "./kit.ts";

const PEER = fileURLToPath(new URL("../fixtures/connection/peer.py", import.meta.url));

interface Python {
  readonly program: string;
  readonly version: string;
  /** Up to 3.11 it knows only MD5. */
  readonly isLegacy: boolean;
}

/** Every Python 3 that is at hand, one for each minor version. */
function pythons(): Python[] {
  const folder = `${homedir()}/.pyenv/versions`;
  const installed = existsSync(folder)
    ? readdirSync(folder).map((name) => `${folder}/${name}/bin/python3`)
    : [];
  const found = new Map<string, Python>();
  for (const program of ["python3", ...installed.filter((file) => existsSync(file))]) {
    try {
      const script = "import sys; print('%d %d' % sys.version_info[:2])";
      const [major, minor] = execFileSync(program, ["-c", script], { encoding: "utf8" })
        .trim()
        .split(" ")
        .map(Number) as [number, number];
      if (major !== 3 || minor < 8) continue;
      const version = `3.${minor}`;
      if (!found.has(version)) found.set(version, { program, version, isLegacy: minor < 12 });
    } catch {
      // Not there, or not able to run.
      continue;
    }
  }
  return [...found.values()];
}

const PYTHONS = pythons();
if (PYTHONS.length === 0) console.warn("No python3 here: the tests with CPython are skipped.");

function start({ program }: Python, ...args: string[]): ChildProcess {
  return spawn(program, [PEER, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once("exit", resolve));

/** Both send messages of many sizes, and both check what they get. */
async function exchange(connection: Connection): Promise<void> {
  const sizes = [0, 1, 5, 16_384, 16_385, 70_000, 3_000_000];
  for (const size of sizes) {
    const message = Buffer.alloc(size, size % 251);
    await connection.sendBytes(message);
    const got = await connection.recvBytes({ timeout: 20_000 });
    expect(Buffer.compare(got, message.reverse())).toBe(0);
  }
  await connection.sendBytes(Buffer.from("bye"));
  expect(await rejection(connection.recvBytes())).toMatchObject({
    code: "ERR_MANYCORE_END_OF_STREAM",
  });
  connection.close();
}

test.runIf(PYTHONS.length === 0)("is skipped: no python3 here", () => {
  expect(PYTHONS).toEqual([]);
});

describe.each(PYTHONS)("CPython $version", (python) => {
  const legacyMd5 = python.isLegacy;

  test.each(["unix", "tcp"] as const)("its Client talks to our Listener (%s)", async (family) => {
    const listener = await Listener.listen({ family, authKey: "secret", legacyMd5 });
    const { address } = listener;
    const child = start(
      python,
      "client",
      typeof address === "string" ? address : String(address.port),
    );
    const exited = exitOf(child);
    await exchange(await listener.accept({ timeout: 20_000 }));
    expect(await exited).toBe(0);
    listener.close();
  });

  test.each(["unix", "tcp"] as const)(
    "our connect() talks to its Listener (%s)",
    async (family) => {
      const child = start(python, "listener", family === "unix" ? "AF_UNIX" : "AF_INET");
      const exited = exitOf(child);
      const [, where] = (await untilLine(child, /^address (.+)$/)) as unknown as [string, string];
      const address = family === "unix" ? where : { port: Number(where) };
      const wrong = await rejection(connect(address, { authKey: "wrong", legacyMd5 }));
      expect(wrong).toMatchObject({ code: "ERR_MANYCORE_AUTHENTICATION" });
      await exchange(await connect(address, { authKey: "secret", legacyMd5 }));
      expect(await exited).toBe(0);
    },
  );

  test.runIf(legacyMd5)("is not let in, nor believed, unless MD5 is allowed", async () => {
    const rejected: Error[] = [];
    const listener = await Listener.listen({
      authKey: "secret",
      onReject: (error) => rejected.push(error),
    });
    const child = start(python, "refused", listener.address as string);
    expect(await exitOf(child)).toBe(0);
    await expect.poll(() => rejected.length).toBe(1);
    expect(rejected[0]?.message).toContain("legacyMd5");
    listener.close();
    const other = start(python, "listener", "AF_UNIX");
    const exited = exitOf(other);
    const [, where] = (await untilLine(other, /^address (.+)$/)) as unknown as [string, string];
    expect((await rejection(connect(where, { authKey: "secret" }))).message).toContain("legacyMd5");
    await exchange(await connect(where, { authKey: "secret", legacyMd5 }));
    expect(await exited).toBe(0);
  });
});
