"""One measurement of multiprocessing.Manager().dict(); prints calls a second."""

import sys
import time
from multiprocessing import Manager, Process, SimpleQueue

N = 40_000


def client(shared, count, times):
    """Calls, and tells when it began and ended: starting processes is measured elsewhere."""
    for _ in range(500):
        shared["a"]
    begun = time.time()
    for _ in range(count):
        shared["a"]
    times.put((begun, time.time()))


if __name__ == "__main__":
    figure = sys.argv[1]
    with Manager() as manager:
        shared = manager.dict({"a": 1})
        for i in range(500):
            shared["a"]
        calls = N
        begun = time.time()
        ended = None
        if figure == "get":
            for i in range(N):
                shared["a"]
        elif figure == "set":
            for i in range(N):
                shared["a"] = i
        else:
            times = SimpleQueue()
            children = [Process(target=client, args=(shared, N, times)) for _ in range(4)]
            for child in children:
                child.start()
            found = [times.get() for _ in children]
            for child in children:
                child.join()
            begun = min(first for first, _ in found)
            ended = max(last for _, last in found)
            calls = 4 * N
        print(calls / ((ended or time.time()) - begun))
