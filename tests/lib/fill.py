"""A queue that is full before anybody runs (tests/bench/fill_queue.cc)."""
import os
import subprocess

from .instance import ROOT

PARTS = ['message_file', 'queue_file', 'story', 'envelope', 'lines', 'files', 'queue_id']


def build():
    """The path of the program, compiled anew when one of its sources is younger."""
    made = ROOT / 'build/bench/fill_queue'
    sources = [ROOT / 'tests/bench/fill_queue.cc'] + [ROOT / f'lib/spool/{p}.cc' for p in PARTS]
    if not made.exists() or made.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        made.parent.mkdir(parents=True, exist_ok=True)
        sources += [s for s in sorted((ROOT / 'lib/base').glob('*.cc'))
                    if not s.name.endswith('_test.cc')]
        subprocess.run(['g++', '-std=c++23', '-O1', '-I.', '-o', str(made), *map(str, sources),
                        '-lfmt', '-lcrypto'], cwd=ROOT, check=True)
    return str(made)


def fill_queue(instance, count, domain='', seconds=100000, domains=2000):
    """Puts so many deferred messages into the queue of a stopped instance, due within so many
    seconds.  With a domain each has a recipient of its own there: these; without, the recipients
    are in so many domains."""
    spool = instance.dir / 'spool'
    subprocess.run([build(), str(spool), str(count), str(domains), str(seconds), domain],
                   check=True)
    if os.geteuid() == 0:
        owner = (spool / 'deferred').stat()
        subprocess.run(['chown', '-R', f'{owner.st_uid}:{owner.st_gid}', str(spool / 'deferred')],
                       check=True)
    return {f'u{number}@{domain}' for number in range(count)} if domain else set()
