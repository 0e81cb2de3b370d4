/** How a chunk of `map` fails: with an item's error, and with the values of the items before it. */
export class ChunkFailure {
  readonly values: readonly unknown[];
  readonly error: unknown;

  constructor(values: readonly unknown[], error: unknown) {
    this.values = values;
    this.error = error;
  }
}
