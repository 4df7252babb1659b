#!/usr/bin/env python3
"""Master with daemons that only know its protocol: what it promises about processes and sockets."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FACTEUR_BIN", ROOT / "build/bin")).resolve()
FAKE = ROOT / "tests/e2e/fake_daemon.py"
LIMIT = 20  # seconds; for whatever a test waits


def until(condition, what):
    """Waits for a condition, never for a time."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MasterTest(unittest.TestCase):
    def setUp(self):
        # Daemons of a root-started system are other users: they have to get in here.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="facteur-master-"))
        self.dir.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        subprocess.run([BIN / "facteur", "init", self.dir, "--port-base", "20000"], check=True,
                       stdout=subprocess.DEVNULL)
        self.port = free_port()
        self.services = {
            "sessions": f"127.0.0.1:{self.port} inet n - n - 2 {FAKE} sessions",
            "queue": f"queue unix n - n - 1 {FAKE} single",
        }
        self.environment = dict(os.environ)
        self.addCleanup(self.stop)

    def write(self):
        (self.dir / "master.cf").write_text("\n".join(self.services.values()) + "\n")

    def facteur(self, *words, check=True):
        return subprocess.run([BIN / "facteur", "-c", self.dir, *words], text=True, timeout=60,
                              capture_output=True, check=check, env=self.environment)

    def start(self):
        self.write()
        self.facteur("start")

    def stop(self):
        self.facteur("stop", check=False)

    def reload(self):
        self.write()
        self.facteur("reload")

    def workers(self, service=None):
        status = json.loads(self.facteur("status", "--json").stdout)
        return [w for w in status["workers"] if service is None or w["service"] == service]

    def running(self, service):
        return {w["pid"] for w in self.workers(service) if w["state"] == "running"}

    def sessions(self):
        return self.running(f"127.0.0.1:{self.port}")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def connect_unix(self, name):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(LIMIT)
        client.connect(str(self.dir / "spool/public" / name))
        return client

    @staticmethod
    def ask(client, line=b"hello"):
        """The pid of the worker behind this connection."""
        client.sendall(line)
        answer = client.recv(100).split()
        assert answer[1:] == [line], answer
        return int(answer[0])

    def log(self):
        return (self.dir / "mail.log").read_text()

    def test_a_killed_worker_is_replaced(self):
        self.start()
        before = until(lambda: len(pids := self.sessions()) == 2 and pids, "two workers")
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        after = until(lambda: (pids := self.sessions()) and len(pids) == 2 and
                      victim not in pids and pids, "a new worker")
        self.assertTrue(before & after, "the other worker lives on")
        self.assertIn(f"pid {victim} killed by signal 9", self.log())
        with self.connect() as client:
            self.assertIn(self.ask(client), after)

    def test_reload_under_load_drops_nothing(self):
        self.start()
        old_clients = [self.connect() for _ in range(10)]
        old = {client: self.ask(client) for client in old_clients}
        failures, answered, done = [], [0], threading.Event()

        def hammer():
            while not done.is_set():
                try:
                    with self.connect() as client:
                        self.ask(client)
                        self.ask(client)
                    answered[0] += 1
                except (OSError, AssertionError, IndexError) as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            generation = self.sessions()
            so_far = answered[0]
            self.facteur("reload")
            until(lambda: self.sessions() and not self.sessions() & generation, "new workers")
            until(lambda: answered[0] > so_far + 20, "load goes on")
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        for client, pid in old.items():
            self.assertEqual(self.ask(client), pid, "an old session stays with its worker")
            client.close()
        until(lambda: not {w["pid"] for w in self.workers()} & set(old.values()),
              "the old workers end with their last session")

    def test_a_single_daemon_is_replaced_and_its_clients_wait(self):
        self.start()
        with self.connect_unix("queue") as client:
            first = self.ask(client)
        self.facteur("reload")
        until(lambda: (pids := self.running("queue")) and first not in pids, "a successor")
        with self.connect_unix("queue") as client:
            self.assertNotEqual(self.ask(client), first)
        self.assertEqual(len(self.workers("queue")), 1)

    def test_clients_of_a_single_daemon_wait_while_there_is_none(self):
        self.start()
        pid = self.running("queue").pop()
        os.kill(pid, signal.SIGKILL)  # young: its successor is delayed
        until(lambda: not self.running("queue"), "the end of the daemon")
        with self.connect_unix("queue") as client:
            self.assertNotEqual(self.ask(client), pid)

    def test_it_does_not_run_twice(self):
        self.start()
        again = self.facteur("start", check=False)
        self.assertEqual(again.returncode, 1)
        pid = (self.dir / "spool/pid/master.pid").read_text().strip()
        self.assertIn(f"already running as process {pid}", again.stderr)
        with self.connect() as client:
            self.ask(client)

    def test_a_service_that_crashes_waits_longer_each_time(self):
        self.start()
        self.services["bad"] = f"bad unix - - n - - {FAKE} crash"
        self.reload()
        for seconds in (1, 2):
            until(lambda: f"service bad: will start {FAKE} again in {seconds} s" in self.log(),
                  f"a delay of {seconds} s")
        self.assertEqual(self.workers("bad")[0]["state"], "failing")
        with self.connect() as client:
            self.ask(client)

    def test_services_come_and_go_with_a_reload(self):
        self.start()
        port = free_port()
        self.services["new"] = f"127.0.0.1:{port} inet n - n - 1 {FAKE} sessions"
        self.reload()
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
            self.ask(client)
            del self.services["new"]
            self.reload()
            self.ask(client)  # its session goes on

        def refused():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=LIMIT).close()
            except ConnectionRefusedError:
                return True
            return False

        until(refused, "the port is closed")

    def test_a_joined_socket_reaches_the_other_service(self):
        self.services["admin"] = "queue-admin unix n - n - - join queue"
        self.start()
        with self.connect_unix("queue") as client, self.connect_unix("queue-admin") as admin:
            self.assertEqual(self.ask(client), self.ask(admin))

    def test_a_wrong_configuration_changes_nothing(self):
        self.start()
        before = until(lambda: len(pids := self.sessions()) == 2 and pids, "two workers")
        self.services["wrong"] = "wrong unix n - n - -"
        self.write()
        answer = self.facteur("reload", check=False)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("line 3: too few columns", answer.stdout + answer.stderr)
        self.assertEqual(self.sessions(), before)

    def test_stop_ends_sessions_first_and_the_lookups_last(self):
        fakes = self.dir / "bin"
        fakes.mkdir()
        for name in ("qmgr", "authd", "agent"):
            (fakes / name).symlink_to(FAKE)
        self.services["queue"] = f"queue unix n - n - 1 {fakes}/qmgr single"
        self.services["auth"] = f"auth unix n - n - 1 {fakes}/authd single"
        self.services["agent"] = f"agent unix n - n - 1 {fakes}/agent single"
        self.start()
        self.facteur("stop")
        ends = [line.split()[-1] for line in self.log().splitlines() if "fake: end of" in line]
        sessions = f"127.0.0.1:{self.port}"
        self.assertEqual([end for end in ends if end != sessions], ["agent", "queue", "auth"])
        self.assertEqual(ends.index("agent"), ends.count(sessions))

    def test_workers_do_not_outlive_a_killed_master(self):
        self.start()
        pids = self.sessions() | self.running("queue")
        os.kill(int((self.dir / "spool/pid/master.pid").read_text()), signal.SIGKILL)
        until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "all end")
        self.facteur("start")
        with self.connect() as client:
            self.assertNotIn(self.ask(client), pids)

    def test_systemd_is_told(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
            path = self.dir / "notify"
            systemd.bind(str(path))
            systemd.settimeout(LIMIT)
            self.environment["NOTIFY_SOCKET"] = str(path)
            self.start()
            self.assertTrue(systemd.recv(1000).startswith(b"READY=1"))
            self.facteur("reload")
            self.assertTrue(systemd.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC="))
            self.assertEqual(systemd.recv(1000), b"READY=1")
            self.facteur("stop")
            self.assertEqual(systemd.recv(1000), b"STOPPING=1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
