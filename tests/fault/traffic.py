"""Many SMTP clients at once, and a sink that plays the other side's server.

Every attempt to send is a message of its own, with an id of its own: an attempt that got its 250
must arrive, one that did not may arrive, and none may arrive twice."""
import asyncio
import random
import re
import time

ID = re.compile(rb'^X-Attempt: (\S+)\r?$', re.M)


class Refused(Exception):
    """A reply that is not the expected one; the session goes on."""


class Clients:
    """`count` clients that send `total` messages in all; on trouble they come back and go on."""

    def __init__(self, port, recipients, total, count=50, seed=1, size=2000):
        self.port, self.recipients, self.total, self.count = port, recipients, total, count
        self.size = size
        self.random = random.Random(seed)
        self.accepted = {}   # attempt -> recipient
        self.attempted = {}  # attempt -> recipient
        self.refusals = {}   # first 9 characters of a reply -> count
        self.on_accept = lambda attempt: None
        self.sent = 0
        self.stopping = False

    async def run(self, seconds=300):
        """Until all messages have their 250, or the time is over; True when all have."""
        tasks = [asyncio.ensure_future(self.client(n)) for n in range(self.count)]
        await asyncio.wait(tasks, timeout=seconds)
        self.stopping = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(self.accepted) >= self.total

    async def client(self, number):
        attempt = 0
        while len(self.accepted) < self.total and not self.stopping:
            try:
                reader, writer = await asyncio.open_connection('127.0.0.1', self.port)
            except OSError:
                await asyncio.sleep(0.05)  # the server is being restarted
                continue
            try:
                await self.reply(reader, b'2')
                await self.command(writer, reader, b'EHLO client.test', b'2')
                while len(self.accepted) < self.total:
                    attempt += 1
                    await self.message(reader, writer, f'{number}.{attempt}')
                await self.command(writer, reader, b'QUIT', b'2')
            except Refused:
                await asyncio.sleep(0.05)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.02)
            finally:
                writer.close()

    async def message(self, reader, writer, attempt):
        recipient = self.random.choice(self.recipients)
        await self.command(writer, reader, b'MAIL FROM:<sender@client.test>', b'2')
        await self.command(writer, reader, b'RCPT TO:<%s>' % recipient.encode(), b'2')
        await self.command(writer, reader, b'DATA', b'3')
        self.attempted[attempt] = recipient
        filler = b'What the postman carries must arrive, and it must arrive once.\r\n'
        body = filler * (self.random.randrange(self.size) // len(filler) + 1)
        await self.command(writer, reader, b'From: <sender@client.test>\r\nTo: <%s>\r\n'
                           b'Subject: fault\r\nX-Attempt: %s\r\n\r\n%s.'
                           % (recipient.encode(), attempt.encode(), body), b'2')
        self.accepted[attempt] = recipient
        self.on_accept(attempt)

    async def command(self, writer, reader, line, expected):
        writer.write(line + b'\r\n')
        await self.reply(reader, expected)

    async def reply(self, reader, expected):
        while True:
            line = await asyncio.wait_for(reader.readuntil(b'\n'), 120)
            if line[3:4] != b'-':
                break
        if not line.startswith(expected):
            words = line[:9].decode('ascii', 'replace').strip()
            self.refusals[words] = self.refusals.get(words, 0) + 1
            raise Refused(line)


class Sink:
    """An SMTP server that remembers the attempts it took, and whose 250 may not have arrived."""

    def __init__(self):
        self.taken = []        # attempts, in order, duplicates and all
        self.doubtful = set()  # the last of a connection that ended without a further command
        self.taken_at = {}     # attempt -> when it came first
        self.on_take = lambda attempt: None

    async def start(self, port=0):
        self.server = await asyncio.start_server(self.session, '127.0.0.1', port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        await self.server.wait_closed()

    async def session(self, reader, writer):
        last = None
        try:
            writer.write(b'220 sink.test ESMTP\r\n')
            while True:
                line = (await reader.readuntil(b'\n')).rstrip().upper()
                last = None
                if line.startswith(b'EHLO'):
                    writer.write(b'250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n')
                elif line == b'DATA':
                    writer.write(b'354 go\r\n')
                    content = await reader.readuntil(b'\r\n.\r\n')
                    last = ID.search(content)[1].decode()
                    self.taken.append(last)
                    self.taken_at.setdefault(last, time.monotonic())
                    self.on_take(last)
                    writer.write(b'250 2.0.0 Ok\r\n')
                elif line == b'QUIT':
                    writer.write(b'221 2.0.0 Bye\r\n')
                    break
                else:
                    writer.write(b'250 2.0.0 Ok\r\n')
        except (OSError, asyncio.IncompleteReadError):
            if last:
                self.doubtful.add(last)
        finally:
            writer.close()
