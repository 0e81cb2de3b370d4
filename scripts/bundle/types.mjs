import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** How a declaration names another module of the package. */
const RELATIVE = /(\bfrom |\bimport\()(["'])(\.[^"']*)\.ts\2/g;

/**
 * Copies the declarations that an entry needs, itself included, from `.d.ts` to `.d.cts`: for TypeScript those are
 * the types of a CommonJS module. The maps are the same, so that editors go to the sources.
 */
export function copyDeclarations(folder, entries) {
  const seen = new Set();
  const copy = (stem) => {
    if (seen.has(stem)) return;
    seen.add(stem);
    const text = readFileSync(`${stem}.d.ts`, "utf8");
    const copied = text.replace(RELATIVE, (found, before, quote, path) => {
      const other = join(dirname(stem), path);
      // Examples in comments name modules of the user.
      if (!existsSync(`${other}.d.ts`)) return found;
      copy(other);
      return `${before}${quote}${path}.cts${quote}`;
    });
    writeFileSync(`${stem}.d.cts`, copied);
  };
  for (const entry of entries) copy(join(folder, entry));
  for (const file of readdirSync(folder, { recursive: true })) {
    const [stem, ending] = [file.slice(0, -".d.cts".length), file.slice(-".d.cts".length)];
    if (ending === ".d.cts" && !seen.has(join(folder, stem))) rmSync(join(folder, file));
  }
}
