import { readFileSync, writeFileSync } from "node:fs";

const README = new URL("../README.md", import.meta.url);

/** Replaces what stands between the markers of `name` in the README. @throws Error when they are missing. */
export function writeSection(name, text) {
  const open = `<!-- ${name} -->`;
  const close = `<!-- /${name} -->`;
  const readme = readFileSync(README, "utf8");
  const start = readme.indexOf(open);
  const end = readme.indexOf(close);
  if (start === -1 || end < start) {
    throw new Error(`bench/README.md lacks the markers ${open} and ${close}`);
  }
  writeFileSync(
    README,
    `${readme.slice(0, start + open.length)}\n\n${text}\n\n${readme.slice(end)}`,
  );
}
