"""A simulated Internet (tests/bench/world.cc) around an instance, and the judgement over what
became of each message that was sent into it."""
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from . import ports
from .instance import ROOT, Instance
from .process import Child
from .waiting import wait_until

# What becomes of mail for a destination of each kind, and its share in a thousand.
DELIVERED = {'good': 752, 'second_mx': 12, 'slow': 12, 'grey': 12, 'drops_dot': 12,
             'stalls_dot': 12, 'drops_middle': 12}
BOUNCED = {'never_rcpt': 12, 'never_data': 12, 'no_domain': 12, 'null_mx': 12, 'no_address': 12}
DEFERRED = {'refused': 12, 'blackhole': 12, 'mute': 8, 'busy': 8, 'closed': 8, 'hangs_up': 8,
            'later_mail': 8, 'later_rcpt': 8, 'vanishing': 8, 'later_data': 8, 'dns_fails': 8,
            'dns_silent': 8}
CHOOSY = {'choosy': 12}
KINDS = {**DELIVERED, **BOUNCED, **DEFERRED, **CHOOSY}

SETTINGS = """
default_transport = smtp
transport_maps = regexp:$config_directory/transport.regexp
smtpd_client_connection_count_limit = 0
minimal_backoff_time = {backoff}s
maximal_backoff_time = {longest}s
queue_run_delay = {backoff}s
smtp_connect_timeout = {patience}s
smtp_helo_timeout = {patience}s
smtp_data_done_timeout = {patience}s
dns_timeout = 1s
"""


def build(program, *flags):
    """The path of a program of tests/bench, compiled anew when its source is younger."""
    source, made = ROOT / f'tests/bench/{program}.cc', ROOT / f'build/bench/{program}'
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        made.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['g++', '-std=c++23', '-O2', '-o', str(made), str(source), *flags], check=True)
    return str(made)


class Plan:
    """Destinations of all kinds, and messages to them; `healthy`: only the good ones."""

    def __init__(self, destinations, messages, seed=20261122):
        self.random = random.Random(seed)
        kinds = [kind for kind, share in KINDS.items()
                 for _ in range(max(1, round(share * destinations / 1000)))]
        self.kinds = {f'd{i}.test': kind for i, kind in enumerate(kinds)}
        self.lines = ['mx home.test 10 mx.home.test', 'a mx.home.test 127.1.0.1',
                      'host 127.1.0.1 good 0']
        for number, (domain, kind) in enumerate(self.kinds.items()):
            self.lines += self.destination(domain, kind, f'127.{2 + number // 250}.'
                                           f'{number % 250}.1')
        domains = list(self.kinds)
        self.messages = []  # (sender, recipients)
        for number in range(messages):
            count = 3 if number % 50 == 7 else 1
            to = [f'm{k}.{number}@{domain}'
                  for k, domain in enumerate(self.random.sample(domains, count))]
            self.messages.append((f's{number}@home.test', to))

    def destination(self, domain, kind, address):
        latency = self.random.choice([0, 0, 5, 20, 50, 100])
        mx = [f'mx {domain} 10 mx.{domain}', f'a mx.{domain} {address}']
        if kind == 'no_domain':
            return []
        if kind == 'null_mx':
            return [f'mx {domain} 0 .']
        if kind == 'no_address':
            return mx[:1]
        if kind in ('dns_fails', 'dns_silent'):
            return mx + [f'dns {domain} {"servfail" if kind == "dns_fails" else "silent"}']
        if kind == 'refused':
            return mx
        if kind == 'second_mx':
            other = address[:-1] + '2'
            return mx + [f'mx {domain} 20 mx2.{domain}', f'a mx2.{domain} {other}',
                         f'host {other} good {latency}']
        return mx + [f'host {address} {kind} {latency}']

    def kind(self, recipient):
        return self.kinds[recipient.split('@')[1]]

    def fate(self, recipient):
        kind = self.kind(recipient)
        if kind in CHOOSY:
            return 'bounced' if int(recipient.split('@')[0][-1]) % 2 else 'delivered'
        return ('delivered' if kind in DELIVERED else
                'bounced' if kind in BOUNCED else 'deferred')

    def recipients(self, messages=None):
        return [to for _, all_to in messages or self.messages for to in all_to]

    def healthy(self):
        """The messages that go to good destinations only."""
        return [(sender, to) for sender, to in self.messages
                if all(self.kind(one) == 'good' for one in to)]


class Internet:
    """The world of a plan, running."""

    def __init__(self, plan, running=True):
        self.plan = plan
        self.child = None
        self.dir = Path(tempfile.mkdtemp(prefix='facteur-internet-'))
        self.port, self.dns_port = ports.free_base(), ports.free_base()
        (self.dir / 'plan').write_text('\n'.join(plan.lines) + '\n')
        if running:
            self.start()
        self.read = 0
        self.happened = {'taken': Counter(), 'doubt': Counter(), 'told': Counter(),
                         'connections': {}}

    def start(self):
        self.child = Child([build('world'), str(self.port), str(self.dns_port),
                            str(self.dir / 'plan'), str(self.dir / 'record')], self.dir / 'log')
        wait_until(lambda: ports.accepts(self.port, '127.1.0.1'), what='the world listens')

    def look(self):
        """Reads what happened since the last look."""
        if not (self.dir / 'record').exists():
            return self.happened
        with open(self.dir / 'record', 'rb') as file:
            file.seek(self.read)
            text = file.read()
        text = text[:text.rfind(b'\n') + 1]
        self.read += len(text)
        for line in text.decode().splitlines():
            what, who, *rest = line.split()
            if what == 'connections':
                self.happened[what][who] = int(rest[0])
            else:
                self.happened[what][who] += 1
        return self.happened

    def instance(self, backoff=4, longest=8, patience=3, settings='', **options):
        """An instance (not started) whose mail goes out into this world."""
        instance = Instance(settings=f'dns_servers = 127.0.0.1:{self.dns_port}\n' +
                            SETTINGS.format(backoff=backoff, longest=longest, patience=patience) +
                            settings, **options)
        (instance.dir / 'transport.regexp').write_text(
            f'/@((d[0-9]+|home)\\.test)$/ smtp:$1:{self.port}\n')
        return instance

    def post(self, instance, messages, connections=20):
        """Starts to send; the process."""
        listing = self.dir / 'messages'
        listing.write_text(''.join(f'{sender} {" ".join(to)}\n' for sender, to in messages))
        return subprocess.Popen([build('post', '-pthread'), str(instance.port('smtp')),
                                 str(connections), str(listing)], stdout=subprocess.PIPE, text=True)

    def stop(self):
        if self.child:
            self.child.stop()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        return (self.dir / 'log').read_text(errors='replace') if self.child else ''


def waiting_recipients(instance):
    """{address: why it waits} of all recipients in the queue; a list, for a message counts twice
    that is there twice."""
    found = []
    for line in instance.run('queue', 'list', '--json').splitlines():
        for recipient in json.loads(line)['recipients']:
            found.append((recipient['address'], recipient.get('delay_reason', '')))
    return found


class Flow:
    """Sends messages through an instance into a world and waits until all is as it should be."""

    def __init__(self, internet, instance, messages):
        self.internet, self.instance, self.messages = internet, instance, messages
        self.plan = internet.plan
        everybody = self.plan.recipients(messages)
        self.expected = {fate: {to for to in everybody if self.plan.fate(to) == fate}
                         for fate in ('delivered', 'bounced', 'deferred')}
        self.good = {to for to in everybody if self.plan.kind(to) == 'good'}
        self.seconds = None  # until all mail for good destinations had arrived

    def run(self, seconds, connections=20):
        """Sends all and waits; false when not all was settled in time."""
        began = time.monotonic()
        sender = self.internet.post(self.instance, self.messages, connections)
        end = began + seconds
        settled = False
        while not settled and time.monotonic() < end:
            time.sleep(0.05)
            happened = self.internet.look()
            if self.seconds is None and self.good <= happened['taken'].keys():
                self.seconds = time.monotonic() - began
            settled = (self.seconds is not None and sender.poll() is not None and
                       self.expected['delivered'] <= happened['taken'].keys() and
                       self.expected['bounced'] <= happened['told'].keys() and
                       self.all_deferred_tried())
        out, _ = sender.communicate(timeout=60)
        self.accepted = int(out.split()[0].split('=')[1])
        self.accept_seconds = float(out.split()[1].split('=')[1])
        return settled

    def all_deferred_tried(self):
        waiting = waiting_recipients(self.instance)
        return all(why for _, why in waiting) and self.expected['deferred'] <= {
            to for to, _ in waiting}

    def judge(self, test):
        """Message by message: delivered once, told once, or waiting once; nothing else."""
        happened = self.internet.look()
        waiting = Counter(to for to, _ in waiting_recipients(self.instance))
        own = Counter({to: n for to, n in happened['taken'].items() if not to.endswith('@home.test')})
        test.assertEqual(self.accepted, len(self.messages))
        self.same(test, 'delivered', own)
        self.same(test, 'bounced', happened['told'])
        self.same(test, 'deferred', waiting)
        for to, count in happened['doubt'].items():
            test.assertIn(self.plan.kind(to), ('drops_dot', 'stalls_dot'), to)
            test.assertEqual(count, 1, to)
        bounces = Counter({to: n for to, n in happened['taken'].items() if to.endswith('@home.test')})
        test.assertGreaterEqual(sum(bounces.values()), len({to.split('@')[0].split('.')[1]
                                                            for to in self.expected['bounced']}))

    def same(self, test, fate, counted):
        expected = self.expected[fate]
        missing = sorted(expected - set(counted))
        test.assertEqual([(to, self.plan.kind(to)) for to in missing[:20]], [],
                         f'{len(missing)} not {fate}')
        others = sorted(set(counted) - expected)
        test.assertEqual([(to, self.plan.kind(to)) for to in others[:20]], [],
                         f'{len(others)} wrongly {fate}')
        twice = sorted(to for to, count in counted.items() if count > 1)
        test.assertEqual([(to, self.plan.kind(to)) for to in twice[:20]], [],
                         f'{len(twice)} {fate} more than once')
