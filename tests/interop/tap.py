"""Names, deadlines and TAP for the programs of this folder: PROGRAM BOOTSTRAP."""
import sys
import time
import traceback
import uuid

BOOTSTRAP = sys.argv[1]


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex}"


def equal(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, expected {expected!r}")


def eventually(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def run(client, *tests):
    failed = 0
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {client}: {name}", flush=True)
        except Exception:  # each test stands for itself
            failed += 1
            print(f"not ok {number} - {client}: {name}\n# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    print(f"1..{len(tests)}")
    sys.exit(1 if failed else 0)
