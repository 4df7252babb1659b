#!/usr/bin/env python3
"""A daemon as master sees one: for tests of master that need no real daemon.

fake_daemon.py -n SERVICE [-i SLOT] [-o NAME=VALUE]... sessions|single|crash
Speaks lines: answers each with "PID LINE".  `exit` ends the process with status 3.
"""
import os
import select
import socket
import sys

kind = sys.argv[-1]
if kind == "crash":
    sys.exit(1)
control = socket.socket(fileno=3)
names = os.environ["FACTEUR_SOCKETS"].split()
listeners = [socket.socket(fileno=6 + number) for number in range(len(names))]
log = os.fdopen(5, "w")
print(f"fake[{os.getpid()}]: {' '.join(sys.argv[1:])}", file=log, flush=True)
control.send(f"ready {kind}".encode())
sessions = {}
draining = False
while not (draining and not sessions):
    watched = [control, *sessions] + ([] if draining else listeners)
    for ready in select.select(watched, [], [])[0]:
        if ready is control:
            word = control.recv(100).decode()
            if word in ("drain", "stop", ""):
                draining = True
            if word in ("stop", "") or (draining and kind == "single"):
                sessions = {}
            if word == "status":
                control.send(f"status connections={len(sessions)}".encode())
            if word == "wakeup":
                print("fake: woken", file=log, flush=True)
        elif ready in listeners:
            try:
                connection, _ = ready.accept()
                sessions[connection] = b""
            except BlockingIOError:
                pass
        else:
            data = ready.recv(1000)
            if data.strip() == b"exit":
                os._exit(3)
            if not data:
                sessions.pop(ready, None)
                ready.close()
            else:
                ready.send(f"{os.getpid()} ".encode() + data)
print(f"fake: end of {sys.argv[2]}", file=log, flush=True)
