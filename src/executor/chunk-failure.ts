/** Failure of a chunk of `map`: an item's error, and the values of the items before it. */
export class ChunkFailure {
  readonly values: readonly unknown[];
  readonly error: unknown;

  constructor(values: readonly unknown[], error: unknown) {
    this.values = values;
    this.error = error;
  }
}
