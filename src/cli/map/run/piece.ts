/** The lines about a part of a block, in order. */
export interface Piece {
  readonly parts: readonly Uint8Array[];
  readonly errors: string;
  readonly log: string;
  /** Partial results of `--reduce`. */
  readonly partials: readonly Uint8Array[];
}

/** A piece about which nothing is written. */
export const EMPTY_PIECE: Piece = { parts: [], errors: "", log: "", partials: [] };

/** Joins pieces in their order. */
export function joinPieces(pieces: readonly Piece[]): Piece {
  return {
    parts: pieces.flatMap(({ parts }) => parts),
    errors: pieces.map(({ errors }) => errors).join(""),
    log: pieces.map(({ log }) => log).join(""),
    partials: pieces.flatMap(({ partials }) => partials),
  };
}
