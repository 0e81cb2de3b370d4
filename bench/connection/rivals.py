"""CPython's side of bench/connection: one measurement, prints one number."""

import sys
import time
from multiprocessing import Pipe, Process
from multiprocessing.connection import Client, Listener

MESSAGES = {"small": {"id": 1, "name": "abc", "args": [1, 2]}, "1 KiB": b"x" * 1024, "1 MiB": b"x" * 1048576}


def serve(connection, kind, total, is_bytes):
    connection.send("ready")
    if kind == "stream":
        for _ in range(total):
            connection.recv_bytes() if is_bytes else connection.recv()
        connection.send(total)
        return
    for _ in range(total):
        if is_bytes:
            connection.send_bytes(connection.recv_bytes())
        else:
            connection.send(connection.recv())


def dial(address, kind, total, is_bytes):
    serve(Client(address, authkey=b"k"), kind, total, is_bytes)


def run(connection, message, kind, total):
    is_bytes = isinstance(message, bytes)
    send = connection.send_bytes if is_bytes else connection.send
    receive = connection.recv_bytes if is_bytes else connection.recv
    connection.recv()
    if kind == "stream":
        begun = time.perf_counter()
        for _ in range(total):
            send(message)
        connection.recv()
        return total / (time.perf_counter() - begun)
    micros = []
    for _ in range(total):
        begun = time.perf_counter()
        send(message)
        receive()
        micros.append((time.perf_counter() - begun) * 1e6)
    return sorted(micros)[total // 2]


def main():
    rival, shape, kind, total = sys.argv[1:]
    message, total = MESSAGES[shape], int(total)
    is_bytes = isinstance(message, bytes)
    if rival == "CPython Pipe":
        here, there = Pipe()
        child = Process(target=serve, args=(there, kind, total, is_bytes))
        child.start()
    else:
        listener = Listener(family="AF_UNIX" if rival.endswith("unix") else "AF_INET", authkey=b"k")
        child = Process(target=dial, args=(listener.address, kind, total, is_bytes))
        child.start()
        here = listener.accept()
    print(run(here, message, kind, total))
    child.join()


if __name__ == "__main__":
    main()
