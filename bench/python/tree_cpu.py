"""CPU time of this process and all its descendants: the twin of ../lib/tree-cpu.mjs."""

import os


def start_tree_cpu():
    """Returns a function that gives the microseconds used since, None where there is no /proc."""
    before = _micros()

    def used():
        return None if before is None else _micros() - before

    return used


def _micros():
    if not os.path.isdir("/proc/self"):
        return None
    tick = 1_000_000 / os.sysconf("SC_CLK_TCK")
    stats = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # It ended since the folder was read.
            stats[int(entry)] = (int(fields[1]), sum(map(int, fields[11:15])))
    return tick * sum(ticks for pid, (_, ticks) in stats.items() if _is_ours(pid, stats))


def _is_ours(pid, stats):
    while pid in stats:
        if pid == os.getpid():
            return True
        pid = stats[pid][0]
    return False
