"""One measurement of one of CPython's queues; the twin of rivals.mjs. Prints one number or two."""

import multiprocessing
import sys
import time

MESSAGES = {
    "small": {"id": 1, "name": "abc", "args": [1, 2]},
    "1 KiB": b"\x01" * 1024,
    "1 MiB": b"\x01" * (1024 * 1024),
}


def send(queue, back, gate, shape, count):
    message = MESSAGES[shape]
    gate.put("ready")
    back.get()
    for _ in range(count):
        queue.put(message)


def echo(queue, back, gate, shape, count):
    gate.put("ready")
    for _ in range(count):
        back.put(queue.get())


def main():
    rival, shape, kind, count, producers = sys.argv[1:]
    producers = int(producers)
    each = int(count) // producers
    total = each * producers
    make = multiprocessing.Queue if rival == "CPython Queue" else multiprocessing.SimpleQueue
    queue, back, gate = make(), make(), make()
    target = send if kind == "stream" else echo
    if kind == "stream":
        each *= 2
    children = [
        multiprocessing.Process(target=target, args=(queue, back, gate, shape, each))
        for _ in range(producers)
    ]
    for child in children:
        child.start()
    for _ in range(producers):
        gate.get()
    if kind == "stream":
        for _ in range(producers):
            back.put("begin")
        queue.get()
        figures = []
        start = time.perf_counter()
        for count in (total - 1, total):
            for _ in range(count):
                queue.get()
            now = time.perf_counter()
            figures.append(count / (now - start))
            start = now
        print(*figures)
    else:
        message = MESSAGES[shape]
        micros = []
        for _ in range(total):
            start = time.perf_counter()
            queue.put(message)
            back.get()
            micros.append((time.perf_counter() - start) * 1e6)
        print(sorted(micros)[total // 2])
    for child in children:
        child.join()


if __name__ == "__main__":
    main()
