"""What nobody should find in the tree: unowned notes to oneself, and paths of one machine."""
import re
import sys

RULES = [
    (re.compile(r'\bTODO\b(?!\(#\d+\))'), 'TODO without an issue number: TODO(#12)'),
    (re.compile(r'\b(FIXME|XXX|HACK)\b'), 'a note to oneself: TODO(#12) names the issue'),
    (re.compile(r'(?<![\w./$}-])/(work|home/\w+/(src|git)|Users)/'), 'a path of one machine'),
    (re.compile(r'[ \t]+$'), 'space at the end of the line'),
]
SKIP = re.compile(r'^(tests/(vectors|corpus|fuzz/corpus)/|tests/lint/words|LICENSE|debian/)')
TEXT = ('.h', '.cc', '.py', '.md', '.mk', '.cf', '.sh', 'Makefile', '.txt')


def findings_in(path, text):
    return [f'{path}:{number}: {why}' for number, line in enumerate(text.split('\n'), 1)
            for pattern, why in RULES if pattern.search(line)]


def findings(paths):
    found = []
    for path in paths:
        if path.endswith(TEXT) and not SKIP.match(path):
            with open(path, errors='replace') as file:
                found += findings_in(path, file.read())
    return found


if __name__ == '__main__':
    sys.exit('\n'.join(findings(sys.argv[1:])) or 0)
