"""The figures of ../figures, measured the same way; see there for what each means."""

import json
import statistics
import threading
import time

from tasks import echo_tree, flip, noop, spin
from tree_cpu import start_tree_cpu


def keep_in_flight(pool, function, argument_of, limit, check, total=None, for_s=None):
    """Makes calls, at most `limit` unanswered, until `total` are made or `for_s` is over: (done, seconds)."""
    room = threading.Semaphore(limit) if limit else None
    finished = threading.Condition()
    done = wrong = 0

    def on_done(n):
        def count(value):
            nonlocal done, wrong
            good = check(n, value)
            with finished:
                done += 1
                wrong += not good
                finished.notify()
            if room:
                room.release()

        return count

    start = time.perf_counter()
    sent = 0
    while sent != total and (for_s is None or time.perf_counter() - start < for_s):
        if room:
            room.acquire()
        pool.call(function, argument_of(sent), on_done(sent))
        sent += 1
    with finished:
        finished.wait_for(lambda: done == sent)
    seconds = time.perf_counter() - start
    if wrong:
        raise ValueError(f"{wrong} of {done} results are wrong")
    return done, seconds


def _same(n, value):
    return n == value


def _self(n):
    return n


def noop_bounded(pool, size):
    keep_in_flight(pool, noop, _self, 1000, _same, for_s=size["warmUpMs"] / 1000)
    cpu = start_tree_cpu()
    done, seconds = keep_in_flight(pool, noop, _self, 1000, _same, for_s=size["forMs"] / 1000)
    used = cpu()
    return {"perSecond": done / seconds, "cpuMicros": used and used / done}


def noop_unbounded(pool, size):
    keep_in_flight(pool, noop, _self, 1000, _same, total=size["warmUp"])
    cpu = start_tree_cpu()
    done, seconds = keep_in_flight(pool, noop, _self, None, _same, total=size["total"])
    used = cpu()
    return {"perSecond": done / seconds, "cpuMicros": used and used / done}


def round_trip(pool, size):
    micros = []
    for n in range(-size["warmUp"], size["total"]):
        start = time.perf_counter()
        value = pool.run(noop, n)
        end = time.perf_counter()
        if value != n:
            raise ValueError(f"Expected {n}, got {value}")
        if n >= 0:
            micros.append((end - start) * 1e6)
    micros.sort()
    return {"p50": statistics.median(micros), "p99": micros[int(len(micros) * 0.99)]}


def _time_map(pool, size, chunk_size):
    items = list(range(size["total"]))
    pool.map(noop, items[: size["warmUp"]], chunk_size)
    rates = []
    for _ in range(size["times"]):
        start = time.perf_counter()
        results = pool.map(noop, items, chunk_size)
        seconds = time.perf_counter() - start
        if results != items:
            raise ValueError("The results are wrong")
        rates.append(len(items) / seconds)
    return {"perSecond": statistics.median(rates)}


def map_chunked(pool, size):
    return _time_map(pool, size, None)


def map_one_by_one(pool, size):
    return _time_map(pool, size, 1)


def cpu_bound(pool, size):
    def serial(rounds, tasks):
        start = time.perf_counter()
        for _ in range(tasks):
            spin(rounds)
        return time.perf_counter() - start

    sample = 10_000
    rounds = round(sample / min(serial(sample, 1) for _ in range(20)) * 0.005)
    expected = spin(rounds)

    def run(tasks):
        return keep_in_flight(
            pool, spin, lambda n: rounds, None, lambda n, value: value == expected, total=tasks
        )[1]

    run(20)
    before = serial(rounds, size["tasks"])
    seconds = run(size["tasks"])
    after = serial(rounds, size["tasks"])
    return {"speedUp": (before + after) / 2 / seconds, "ms": seconds * 1000}


def buffer_copy(pool, size):
    length = 2**20
    data = bytes((i * 31 + (i >> 8)) & 0xFF for i in range(length))

    def check(_, value):
        return (
            len(value) == length
            and value[0] == data[0] ^ 0xFF
            and value[-1] == data[-1] ^ 0xFF
            and value[1 : length - 1 : length >> 6] == data[1 : length - 1 : length >> 6]
        )

    keep_in_flight(pool, flip, lambda n: data, 8, check, for_s=size["warmUpMs"] / 1000)
    done, seconds = keep_in_flight(
        pool, flip, lambda n: data, 8, check, for_s=size["forMs"] / 1000
    )
    return {"megabytes": done * length / 1e6 / seconds}


def tree(pool, size):
    def leaf(branch, i):
        return {
            "id": branch * 82 + i,
            "name": f"leaf {branch}.{i}",
            "tags": ["small", "odd" if i % 2 else "even"],
            "position": {"x": i * 0.5, "y": branch * 0.25},
            "active": i % 3 == 0,
            "parent": f"branch {branch}" if i % 5 else None,
        }

    branches = [
        {"title": f"branch {branch}", "leaves": [leaf(branch, i) for i in range(82)]}
        for branch in range(100)
    ]
    whole = {"seen": 0, "branches": branches}
    if pool.run(echo_tree, whole) != {"seen": 1, "branches": branches}:
        raise ValueError("The tree is wrong")
    characters = len(json.dumps(whole, separators=(",", ":")))

    def check(n, value):
        at = (n % 100, n % 82)
        return (
            value["seen"] == 1
            and value["branches"][at[0]]["leaves"][at[1]]["name"] == f"leaf {at[0]}.{at[1]}"
        )

    keep_in_flight(pool, echo_tree, lambda n: whole, 4, check, for_s=size["warmUpMs"] / 1000)
    done, seconds = keep_in_flight(
        pool, echo_tree, lambda n: whole, 4, check, for_s=size["forMs"] / 1000
    )
    return {"megabytes": done * characters / 1e6 / seconds}
