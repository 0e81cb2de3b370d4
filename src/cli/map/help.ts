/** The text below the options in `manycore map --help`. */
export const EXAMPLES = `
Examples:
  $ manycore map ./shrink.ts#shrink 'photos/**/*.jpg' -o sizes.jsonl
      calls shrink(path) for each file on all cores; one JSON line per file, in order
  $ manycore map ./parse.js#parse events.jsonl.gz --envelope > parsed.jsonl
      calls parse(value) for each line; failed records are lines with "ok":false
  $ manycore map ./sales.ts#price sales.csv --delimiter ';' --limit 5
      calls price({ column: text, … }) for the first five rows
  $ zcat log.gz | manycore map ./work.ts#score --format lines --unordered | head
      reads standard input as it comes; stops when head does
  $ manycore map ./fetch.ts#get urls.txt --format lines -j 16 --timeout 30s --retries 2 --rate 20/s
      ends a call after 30 seconds and tries it twice more; starts 20 a second
  $ manycore map ./work.ts#score big.jsonl -o out.jsonl --errors failed.jsonl --resume
      a night's run: give the same line again after anything, and it goes on where it was
  $ manycore map ./work.ts#score big.jsonl -o out.jsonl --errors failed.jsonl --retry-failed
      after a repair: runs those again that failed

Exit codes: 0 all records ok, 1 some failed, 2 wrong use, unreadable input or unwritable output,
3 stopped by --halt, 4 refused: the output exists, or the run to resume was another one,
124 --max-time reached, 130/143 interrupted (the first signal finishes what runs, the second kills),
70 internal error. SIGUSR1 prints what runs. The manual with recipes: docs/map.md of the repository.
`;
