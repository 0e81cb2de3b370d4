"""What CPython's workers run: the same work as ../tasks.mjs."""


def noop(value):
    return value


def spin(rounds):
    state = 1
    for _ in range(rounds):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    return state


def flip(data):
    flipped = bytearray(data)
    flipped[0] ^= 0xFF
    flipped[-1] ^= 0xFF
    return flipped


def echo_tree(tree):
    tree["seen"] += 1
    return tree
