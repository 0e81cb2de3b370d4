/** The figures, in the order they are run and shown. Each is a module of its own. */
export const FIGURES = [
  "noop-bounded",
  "noop-unbounded",
  "round-trip",
  "map-chunked",
  "map-one-by-one",
  "cpu-bound",
  "buffer-copy",
  "buffer-transfer",
  "tree",
  "cold-start",
  "import",
];

/**
 * @returns `{ name, title, about, columns, sizes, timeoutMs, suits, measure }`. The first column decides the
 *   order and the ratios. `suits(contender)` says who takes part; contenders marked `startOnly` take part
 *   only in figures marked so, too. `isMixed`: threads and processes are compared with each other.
 *   `isPerPackage`: a row is a package, whatever its kinds. `repeat`: a short figure has so many times the rounds.
 */
export async function loadFigure(name) {
  const { default: figure } = await import(`./${name}.mjs`);
  return { name, ...figure };
}
