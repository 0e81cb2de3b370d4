// vitest compiles this file itself and leaves no trace of it in Node's module caches.
export function rewritten(x: number): number {
  return x + 1;
}

function hidden(): number {
  return 2;
}

export const giveHidden = (): (() => number) => hidden;
