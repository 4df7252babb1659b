"""Every header compiles alone: x.cc includes x.h first and so proves it; a header without a .cc is
compiled by itself.  Headers hold no pragma but once, and no heavy third-party include."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

FIRST = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)
HEAVY = re.compile(r'^\s*#\s*include\s*<(fmt/|regex>|iostream>|nlohmann/|event2/|openssl/|CLI/|ares)',
                   re.M)
COMPILE = ['g++', '-I.', '-std=c++23', '-fsyntax-only', '-x', 'c++', '/dev/null', '-include']


def order(path, text, has_header):
    """The finding about a .cc whose own header does not come first."""
    own = path[:-3] + '.h'
    first = FIRST.search(text)
    if has_header and (not first or first[1] != own):
        return [f'{path}: its own header "{own}" is not its first include']
    return []


def inside(path, text):
    """Findings about a header's own text."""
    found = []
    if not re.search(r'^#pragma once$', text, re.M):
        found.append(f'{path}: no #pragma once')
    heavy = HEAVY.search(text)
    # A header named after the library is the one place that wraps it.
    if heavy and os.path.basename(path)[:-2] != heavy[1].rstrip('/'):
        found.append(f'{path}: <{heavy[1]}…: declare forward, include it in the .cc')
    return found


def alone(path):
    done = subprocess.run([*COMPILE, path], capture_output=True, text=True)
    return [f'{path}: does not compile alone\n{done.stderr}'] if done.returncode else []


def findings(paths):
    known, found, lonely = set(paths), [], []
    for path in paths:
        if path.endswith('.cc') and not path.endswith(('_test.cc', '_fuzz.cc')):
            found += order(path, open(path).read(), path[:-3] + '.h' in known)
        if path.endswith('.h'):
            found += inside(path, open(path).read())
            if path[:-2] + '.cc' not in known:
                lonely.append(path)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(alone, lonely):
            found += result
    return found


if __name__ == '__main__':
    sys.exit('\n'.join(findings(sys.argv[1:])) or 0)
