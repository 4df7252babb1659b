"""RCPT commands that need an access table, an alias and a virtual mailbox, many of them."""
import random
import socket
import subprocess
import threading
import time

DOMAIN = 'example.test'
NAMES = 1000
GROUP = 50    # RCPT commands that are sent together


def tables(folder, build):
    """Writes and builds the tables; lines for main.cf."""
    (folder / 'access').write_text(''.join(f'blocked{i}@{DOMAIN} REJECT\n' for i in range(NAMES)))
    (folder / 'aliases-virtual').write_text(
        ''.join(f'alias{i}@{DOMAIN} user{i}@{DOMAIN}\n' for i in range(NAMES)))
    (folder / 'mailboxes').write_text(''.join(f'user{i}@{DOMAIN} x\n' for i in range(NAMES)))
    for name in ('access', 'aliases-virtual', 'mailboxes'):
        subprocess.run([*build, f'hash:{folder / name}'], check=True)
    return (f'virtual_mailbox_domains = {DOMAIN}\n'
            f'virtual_mailbox_maps = hash:{folder}/mailboxes\n'
            f'virtual_alias_maps = hash:{folder}/aliases-virtual\n'
            f'smtpd_recipient_restrictions = check_recipient_access hash:{folder}/access\n'
            'smtpd_client_connection_count_limit = 0\nmynetworks = 192.0.2.0/24\n')


class Client(threading.Thread):
    """One session; counts what was accepted."""

    def __init__(self, port, count, seed):
        super().__init__(daemon=True)
        self.port, self.count, self.accepted = port, count, 0
        self.random = random.Random(seed)

    def run(self):
        with socket.create_connection(('127.0.0.1', self.port), timeout=120) as connection:
            replies = connection.makefile('rb')
            replies.readline()
            self.say(connection, replies, ['EHLO client.test'])
            done = 0
            while done < self.count:
                names = [f'alias{self.random.randrange(NAMES)}' for _ in range(GROUP)]
                said = self.say(connection, replies, ['MAIL FROM:<a@client.test>'] +
                                [f'RCPT TO:<{name}@{DOMAIN}>' for name in names] + ['RSET'])
                self.accepted += sum(line.startswith(b'250 2.1.5') for line in said)
                done += GROUP
            self.say(connection, replies, ['QUIT'])

    def say(self, connection, replies, commands):
        connection.sendall(''.join(command + '\r\n' for command in commands).encode())
        said = []
        for _ in commands:
            line = replies.readline()
            while line[3:4] == b'-':
                line = replies.readline()
            said.append(line)
        return said


def load(port, sessions, count):
    """(accepted recipients, seconds)"""
    clients = [Client(port, count // sessions, seed) for seed in range(sessions)]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    accepted = sum(client.accepted for client in clients)
    if accepted < count // sessions * sessions:
        raise SystemExit(f'{accepted} of {count} recipients were accepted')
    return accepted, time.monotonic() - began
