"""A release compiles the sources of a folder together (Makefile, "batches"): a name that two of them
keep in their unnamed namespaces would clash there, or silently overload.  So would one that a header
of the folder declares."""
import os
import re
from collections import defaultdict

TYPE = re.compile(r'(?:using|class|struct|union|enum class|enum) (?:\[\[\w+\]\] )?(\w+)\b')
FUNCTION = re.compile(r"[^=(]*?(?<![:\w])(\w+)\(")
VALUE = re.compile(r'[^=({;]*?\b(\w+)(?:\[[^]]*\])?(?: =|\{|;)')
DIRECTIVE = ('return', 'template', 'using namespace', 'namespace', 'public', 'private', 'static_assert')


def name_of(line):
    """What a line in the first column declares, or None."""
    if line.startswith(DIRECTIVE):
        return None
    found = TYPE.match(line) or VALUE.match(line) or FUNCTION.match(line)
    return found[1] if found else None


def unnamed(text):
    """The names in the unnamed namespaces of a source."""
    names, inside = set(), False
    for line in text.splitlines():
        if line == 'namespace {':
            inside = True
        elif line == '}  // namespace':
            inside = False
        elif inside and re.match(r'[A-Za-z\[]', line):
            names.add(name_of(line))
    return names - {None}


def declared(text):
    """The functions that a header declares outside of classes."""
    return {found[1] for line in text.splitlines()
            if re.match(r'[A-Za-z\[]', line) and not line.startswith(DIRECTIVE)
            and not TYPE.match(line) and (found := FUNCTION.match(line))}


def clashes(sources, headers):
    """Findings about one folder: {path: text} of its sources and its headers."""
    found = []
    holders = defaultdict(list)
    public = {name: path for path, text in headers.items() for name in declared(text)}
    for path, text in sources.items():
        for name in unnamed(text):
            holders[name].append(path)
    for name, paths in sorted(holders.items()):
        if len(paths) > 1:
            found.append(f'{paths[0]}: "{name}" is also in {", ".join(paths[1:])}: share or rename it')
        if name in public:
            found.append(f'{paths[0]}: "{name}" is also declared in {public[name]}: rename it')
    return found


def findings(paths):
    folders = defaultdict(lambda: ({}, {}))
    for path in paths:
        single = path.startswith(('tests/', 'tools/')) or path.endswith(('_test.cc', '/main.cc'))
        if path.endswith(('.cc', '.h')) and not single:
            text = open(path, encoding='utf-8').read()
            folders[os.path.dirname(path)][path.endswith('.h')][path] = text
    return [finding for sources, headers in folders.values()
            for finding in clashes(sources, headers)]
