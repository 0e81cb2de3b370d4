// The functions that all contenders run.

/** Next to nothing: what is measured is how records get there and back. */
export function touch(record) {
  return { id: record.id, score: record.score + 1 };
}

/** Some milliseconds of computing. */
export function compute(record) {
  let sum = record.id;
  for (let at = 0; at < 1_000_000; at++) sum = (sum * 31 + at) % 1_000_003;
  return { id: record.id, sum };
}
