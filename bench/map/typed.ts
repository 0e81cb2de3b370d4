// The function of work.mjs as somebody writes it who has types.

export interface Row {
  readonly id: number;
  readonly score: number;
}

export function touch(record: Row): Row {
  return { id: record.id, score: record.score + 1 };
}
