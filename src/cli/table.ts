/**
 * Text in columns, each as wide as its widest cell; the last one is not padded.
 *
 * Six lines of our own: the packages for it draw borders, colours and wrapped cells.
 */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join("  "),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
