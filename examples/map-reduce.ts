// Words counted by a pool, one part of the text for each call, and summed up in the parent.
import { isMain, Pool } from "manycore";

export function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function merge(all: Map<string, number>, part: Map<string, number>): Map<string, number> {
  for (const [word, count] of part) all.set(word, (all.get(word) ?? 0) + count);
  return all;
}

if (isMain(import.meta)) {
  const parts = ["the quick brown fox", "jumps over the lazy dog", "the end"];
  const pool = new Pool();
  const counts = await pool.map(countWords, parts);
  const total = counts.reduce(merge, new Map());
  console.log(`the: ${total.get("the")}, words: ${total.size}`);
  await pool.terminate();
}
