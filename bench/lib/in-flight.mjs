/**
 * Makes calls, never more than `limit` at a time, until `total` were made or `forMs` milliseconds are over;
 * then waits for the rest.
 *
 * Every result goes through `check(n, value)`: a benchmark of wrong answers measures nothing. `then` with two
 * callbacks instead of `await` keeps the harness's own share small.
 *
 * @returns how many calls were made and how many milliseconds passed.
 */
export function keepInFlight(call, limit, { total = Infinity, forMs = Infinity, check }) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const deadline = start + forMs;
    let sent = 0;
    let done = 0;
    let wrong = 0;
    let isOver = false;
    // Of many short calls the clock is read for one in 64 only.
    const stride = limit > 64 ? 63 : 0;

    const launch = () => {
      const n = sent++;
      call(n).then((value) => finish(n, value), reject);
    };
    const finish = (n, value) => {
      done++;
      if (!check(n, value)) wrong++;
      if ((done & stride) === 0 && performance.now() >= deadline) isOver = true;
      if (!isOver && sent < total) return launch();
      if (done < sent) return;
      if (wrong > 0) reject(new Error(`${wrong} of ${done} results are wrong`));
      else resolve({ done, ms: performance.now() - start });
    };
    for (let i = 0; i < limit && i < total; i++) launch();
  });
}
