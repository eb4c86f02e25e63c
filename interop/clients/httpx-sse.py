"""The Python package httpx-sse: it reads, and leaves it to its user to come back."""

import json
import os
import sys
import threading
import time

import httpx
from httpx_sse import connect_sse


def until_stdin_ends():
    sys.stdin.read()
    os._exit(0)


def main():
    threading.Thread(target=until_stdin_ends, daemon=True).start()
    headers = {"Authorization": f"Bearer {os.environ['TIDINGS_TOKEN']}"}
    position, delay = "", 3.0
    # A heartbeat comes every 25 s.
    with httpx.Client(timeout=httpx.Timeout(10, read=60)) as client:
        while True:
            # The loop of the package's own documentation, without its third package.
            resume = {"Last-Event-ID": position} if position else {}
            try:
                with connect_sse(client, "GET", os.environ["TIDINGS_EVENTS"], headers=headers | resume) as source:
                    source.response.raise_for_status()
                    for sse in source.iter_sse():
                        position = sse.id
                        if sse.retry is not None:
                            delay = sse.retry / 1000
                        print(json.dumps({"id": sse.id, "event": sse.event, "data": sse.data}), flush=True)
            except httpx.TransportError:
                pass
            time.sleep(delay)


main()
