// Bits of state words that more than one room must know. Part of the ABI.

/** Barrier: generation:15 << 17 | broken << 16 | arrived:15 << 1 | W */
export const BARRIER_BROKEN: number = 1 << 16;
