"""Posts tasks sequentially with requests, as a simple script would, and prints the seconds it took.

Reads the tasks from standard input, one per line. The only argument is the address to post to.
"""

import sys
import time

import requests

HEADERS = {"Content-Type": "application/json", "X-AGENT-TOKEN": "changeme"}


def main() -> None:
    address = sys.argv[1]
    tasks = [line.rstrip("\n").encode() for line in sys.stdin if line.strip()]
    begun = time.perf_counter()
    with requests.Session() as session:
        for task in tasks:
            session.post(address, data=task, headers=HEADERS, timeout=60).raise_for_status()
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
