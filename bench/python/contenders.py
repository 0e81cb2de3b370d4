"""CPython's pools behind one contract: run(function, argument) gives a concurrent Future or its like."""

import multiprocessing


class ProcessExecutor:
    def __init__(self, workers, start_method=None):
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context(start_method)
        self._pool = ProcessPoolExecutor(workers, mp_context=context)
        self._workers = workers

    def call(self, function, argument, done):
        self._pool.submit(function, argument).add_done_callback(lambda f: done(f.result()))

    def run(self, function, argument):
        return self._pool.submit(function, argument).result()

    def map(self, function, items, chunk_size):
        # Its own default is 1; None stands for the size multiprocessing.Pool would choose.
        size = chunk_size or -(-len(items) // (self._workers * 4))
        return list(self._pool.map(function, items, chunksize=size))

    def close(self):
        self._pool.shutdown()


class ThreadExecutor:
    def __init__(self, workers, start_method=None):
        from concurrent.futures import ThreadPoolExecutor

        self._pool = ThreadPoolExecutor(workers)

    def call(self, function, argument, done):
        self._pool.submit(function, argument).add_done_callback(lambda f: done(f.result()))

    def run(self, function, argument):
        return self._pool.submit(function, argument).result()

    def map(self, function, items, chunk_size):
        return list(self._pool.map(function, items))

    def close(self):
        self._pool.shutdown()


class Pool:
    def __init__(self, workers, start_method=None):
        self._pool = multiprocessing.get_context(start_method).Pool(workers)

    def call(self, function, argument, done):
        self._pool.apply_async(function, (argument,), callback=done)

    def run(self, function, argument):
        return self._pool.apply(function, (argument,))

    def map(self, function, items, chunk_size):
        return self._pool.map(function, items, chunksize=chunk_size)

    def close(self):
        self._pool.close()
        self._pool.join()


CONTENDERS = {"process-executor": ProcessExecutor, "thread-executor": ThreadExecutor, "pool": Pool}
