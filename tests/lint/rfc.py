"""RFC references have one form, "RFC 5321 section 4.1.1.3", and name an RFC of rfcs.txt.

    tests/lint/rfc.py --list FILES     section -> file:line of every reference
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MENTION = re.compile(r'\bRFC[ -]?(\d{3,5})\b(?!\.\w)(?=([^\n]{0,40}))')
WRONG_SECTION = re.compile(r'^,? ?(§|[Ss]ec\.|[Ss]ect\.|#section|Section|S\d)')
SECTION = re.compile(r'^ (?:sections?|appendix) ([0-9A-Z][0-9A-Za-z.]*[0-9A-Za-z]|[0-9A-Z])')
QUOTED = re.compile(r'"(\\.|[^"\\\n])*"')


def known():
    with open(os.path.join(HERE, 'rfcs.txt')) as file:
        return {line.split()[0] for line in file if line.strip() and not line.startswith('#')}


def references(text):
    """(offset, as written, number, section or '', what follows) of each."""
    # RFC822 and RFC822.SIZE in string literals are IMAP's own words.
    text = QUOTED.sub(lambda m: re.sub(r'RFC822', 'rfc822', m[0]), text)
    for match in MENTION.finditer(text):
        section = SECTION.match(match[2])
        yield match.start(), match[0], match[1], section[1] if section else '', match[2]


def findings_in(path, text, numbers):
    found = []
    for offset, written, number, _, after in references(text):
        where = f'{path}:{text.count(chr(10), 0, offset) + 1}'
        if not written.startswith(f'RFC {number}'):
            found.append(f'{where}: write "RFC {number}", with a space')
        elif number not in numbers:
            found.append(f'{where}: RFC {number} is not in tests/lint/rfcs.txt')
        elif WRONG_SECTION.match(after):
            found.append(f'{where}: write "RFC {number} section N"')
    return found


def sources(paths):
    for path in paths:
        if path.endswith(('.h', '.cc')):
            with open(path) as file:
                yield path, file.read()


def findings(paths):
    numbers = known()
    return [f for path, text in sources(paths) for f in findings_in(path, text, numbers)]


def listing(paths):
    rows = []
    for path, text in sources(paths):
        for offset, _, number, section, _ in references(text):
            rows.append((int(number), section, f'{path}:{text.count(chr(10), 0, offset) + 1}'))
    return [f'RFC {n}{" section " + s if s else ""} -> {where}' for n, s, where in sorted(rows)]


if __name__ == '__main__':
    if sys.argv[1:2] == ['--list']:
        print('\n'.join(listing(sys.argv[2:])))
    else:
        sys.exit('\n'.join(findings(sys.argv[1:])) or 0)
