"""CPython's way: python3 pool.py FUNCTION WORKERS < input > output"""

import json
import sys
from multiprocessing import Pool


def touch(record):
    return {"id": record["id"], "score": record["score"] + 1}


def compute(record):
    total = record["id"]
    for at in range(1_000_000):
        total = (total * 31 + at) % 1_000_003
    return {"id": record["id"], "sum": total}


def run(line):
    result = globals()[sys.argv[1]](json.loads(line))
    return json.dumps(result, separators=(",", ":"))


if __name__ == "__main__":
    chunk = 1000 if sys.argv[1] == "touch" else 4
    with Pool(int(sys.argv[2])) as pool:
        for line in pool.imap(run, sys.stdin, chunksize=chunk):
            sys.stdout.write(line + "\n")
