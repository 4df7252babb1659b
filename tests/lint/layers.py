"""A layer of lib/ includes only what stands below it; a daemon includes no other daemon."""
import re
import sys

# From the bottom up.  Folders of one row do not include each other.
ROWS = [
    ['base'],
    ['event'],
    ['net'],
    ['ipc', 'sandbox'],
    ['mime'],
    ['smtp', 'imap'],
    ['config'],
    ['table'],
    ['spool', 'store', 'sasl', 'checks'],
    ['sieve', 'mailauth', 'milter'],
    ['cleanup'],
    ['daemon'],
    ['login'],  # the stages that imapd and pop3d share
]
LEVEL = {folder: level for level, row in enumerate(ROWS) for folder in row}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def room(path):
    """'lib/net', 'smtpd', 'tools/facteur': the unit whose includes are ruled."""
    parts = path.split('/')
    return '/'.join(parts[:2]) if parts[0] in ('lib', 'tools') and len(parts) > 2 else parts[0]


def objection(path, included):
    """Why the file may not include that, or None."""
    mine, other = room(path), room(included)
    if '/' not in included:
        return 'paths start at the repository root'
    if mine == other or mine == 'tests':
        return None
    if not other.startswith('lib/'):
        return f'{mine} includes {other}, which is not a layer of lib/'
    if other[4:] not in LEVEL:
        return f'{other} stands in no row of tests/lint/layers.py'
    if not mine.startswith('lib/'):
        return None
    if mine[4:] not in LEVEL:
        return f'{mine} stands in no row of tests/lint/layers.py'
    if LEVEL[other[4:]] >= LEVEL[mine[4:]]:
        return f'{mine} does not stand above {other}'
    return None


def findings_in(path, text):
    found = []
    for match in INCLUDE.finditer(text):
        why = objection(path, match[1])
        if why:
            line = text.count('\n', 0, match.start()) + 1
            found.append(f'{path}:{line}: "{match[1]}": {why}')
    return found


def findings(paths):
    found = []
    for path in paths:
        if path.endswith(('.h', '.cc')):
            found += findings_in(path, open(path).read())
    return found


if __name__ == '__main__':
    sys.exit('\n'.join(findings(sys.argv[1:])) or 0)
