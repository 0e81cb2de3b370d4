"""One measurement of one CPython contender; the twin of ../child.mjs. Started by ../run.mjs."""

import json
import sys
import time

RESULT_MARK = "@@figures "


def report(values):
    print(RESULT_MARK + json.dumps(values), flush=True)


def import_time(name):
    start = time.perf_counter()
    if name == "pool":
        import multiprocessing.pool  # noqa: F401
    elif name == "process-executor":
        import concurrent.futures.process  # noqa: F401
    else:
        import concurrent.futures.thread  # noqa: F401
    report({"ms": (time.perf_counter() - start) * 1000})


def cold_start(name, workers):
    start = time.perf_counter()
    from contenders import CONTENDERS
    from tasks import noop

    imported = time.perf_counter()
    pool = CONTENDERS[name](workers, "spawn")
    value = pool.run(noop, 7)
    end = time.perf_counter()
    if value != 7:
        raise ValueError(f"Expected 7, got {value}")
    report({"firstMs": (end - start) * 1000, "importMs": (imported - start) * 1000})
    pool.close()


def main():
    job = json.loads(sys.argv[1])
    figure, name = job["figureName"], job["contender"]["python"]
    if figure == "import":
        import_time(name)
    elif figure == "cold-start":
        cold_start(name, job["workers"])
    else:
        import figures
        from contenders import CONTENDERS

        pool = CONTENDERS[name](job["workers"])
        report(getattr(figures, figure.replace("-", "_"))(pool, job["size"]))
        pool.close()


if __name__ == "__main__":
    main()
