import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

test("records made under fake timers carry the true time", () => {
  const program = `
    import { getLogger, setLogLevel } from "manycore";
    globalThis.Date = class extends Date {
      static now() {
        return 5;
      }
    };
    setLogLevel("info");
    getLogger("a").info("hello");
  `;
  const before = Date.now();
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  const record = JSON.parse(stderr) as { readonly time: number; readonly msg: string };
  expect(record.msg).toBe("hello");
  expect(record.time).toBeGreaterThanOrEqual(before);
});
