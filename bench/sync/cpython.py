# The same figures with CPython's multiprocessing.
import json
import multiprocessing as mp
import sys
import time

PAIRS = 300_000
FOR_S = 1.5
ROUNDS = 20_000


def pair_nanos(lock):
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(PAIRS):
            lock.acquire()
            lock.release()
        best = min(best, (time.perf_counter() - begun) / PAIRS)
    return best * 1e9


def pairs_for(lock, out=None, gate=None):
    if gate is not None:
        gate.wait()
    pairs = 0
    end = time.perf_counter() + FOR_S
    while time.perf_counter() < end:
        for _ in range(100):
            lock.acquire()
            lock.release()
            pairs += 1
    rate = pairs / FOR_S
    if out is not None:
        out.put(rate)
    return rate


def contended(context):
    lock, out, gate = context.Lock(), context.Queue(), context.Barrier(2)
    peer = context.Process(target=pairs_for, args=(lock, out, gate))
    peer.start()
    mine = pairs_for(lock, None, gate)
    total = mine + out.get()
    peer.join()
    return total


def event_turns(mine, theirs, is_first):
    for _ in range(ROUNDS + ROUNDS // 10):
        if is_first:
            theirs.set()
            mine.wait()
            mine.clear()
        else:
            mine.wait()
            mine.clear()
            theirs.set()


def event(context):
    a, b = context.Event(), context.Event()
    peer = context.Process(target=event_turns, args=(a, b, False))
    peer.start()
    begun = time.perf_counter()
    event_turns(b, a, True)
    micros = (time.perf_counter() - begun) * 1e6 / (ROUNDS * 1.1) / 2
    peer.join()
    return micros


def condition_turns(condition, turn, own):
    for _ in range(ROUNDS):
        with condition:
            while turn.value != own:
                condition.wait()
            turn.value = 1 - own
            condition.notify()


def condition(context):
    shared, turn = context.Condition(), context.Value("i", 0, lock=False)
    peer = context.Process(target=condition_turns, args=(shared, turn, 1))
    peer.start()
    begun = time.perf_counter()
    condition_turns(shared, turn, 0)
    micros = (time.perf_counter() - begun) * 1e6 / ROUNDS / 2
    peer.join()
    return micros


def barrier_turns(barrier):
    for _ in range(ROUNDS // 4):
        barrier.wait()


def barrier(context):
    shared = context.Barrier(2)
    peer = context.Process(target=barrier_turns, args=(shared,))
    peer.start()
    begun = time.perf_counter()
    barrier_turns(shared)
    rate = ROUNDS // 4 / (time.perf_counter() - begun)
    peer.join()
    return rate


FIGURES = {
    "lock": lambda context: pair_nanos(context.Lock()),
    "rlock": lambda context: pair_nanos(context.RLock()),
    "semaphore": lambda context: pair_nanos(context.Semaphore(1)),
    "contended": contended,
    "event": event,
    "condition": condition,
    "barrier": barrier,
}

if __name__ == "__main__":
    print(json.dumps({"value": FIGURES[sys.argv[1]](mp.get_context("fork"))}))
