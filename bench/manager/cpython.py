"""One measurement of multiprocessing.Manager().dict(); prints calls a second."""

import sys
import time
from multiprocessing import Manager, Process

N = 5000


def client(shared, count):
    for _ in range(count):
        shared["a"]


if __name__ == "__main__":
    figure = sys.argv[1]
    with Manager() as manager:
        shared = manager.dict({"a": 1})
        for i in range(500):
            shared["a"]
        calls = N
        begun = time.perf_counter()
        if figure == "get":
            for i in range(N):
                shared["a"]
        elif figure == "set":
            for i in range(N):
                shared["a"] = i
        else:
            children = [Process(target=client, args=(shared, N)) for _ in range(4)]
            for child in children:
                child.start()
            for child in children:
                child.join()
            calls = 4 * N
        print(calls / (time.perf_counter() - begun))
