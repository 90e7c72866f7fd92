#!/usr/bin/env python3
"""Runs a program's `verify --deep` and the reader of this folder on the golden bundle and on every damaged one.

    compare.py PROGRAM      PROGRAM verify --deep FILE --trust PUB --trust PUB; for example archon-bundle

Both must end with the status that expected.tsv asks for; a refusal must be one line, perhaps with a second one that is a
hint, of printable characters, and cost little: a second of CPU, little memory (GNU time tells). Prints a line for each difference, then "N passed, N failed".
"""
import os
import re
import subprocess
import sys
import tempfile

from bundle.base import STATUS, Refused
from bundle.keys import read_key
from make_bundle import write_damage
from read_bundle import verify

LIMIT_SECONDS, KILLED = 60, 128 + 9
LIMIT_CPU_S = 1
LIMIT_MEMORY_KIB = {'Z': 64 << 10}  # frames; a signed manifest may have 100 000 members
LIMIT_MEMORY_MOST_KIB = 96 << 10


def status_of_reader(path, trusted):
    try:
        verify(path, [read_key(pub) for pub in trusted], deep=True)
        return 0
    except Refused as why:
        return STATUS[why.kind]


def measured(command):
    """(how it ended and what it said, seconds of CPU, its largest resident set). A child of this program would begin with this program's own."""
    with tempfile.NamedTemporaryFile('r') as used:
        limited = ['timeout', '--signal=KILL', str(LIMIT_SECONDS), '/usr/bin/time', '--quiet', '--format=%U %S %M', '--output=' + used.name]
        done = subprocess.run(limited + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        user, system, memory = (used.read().split() or [0, 0, 0])
    return done, float(user) + float(system), int(memory)


def differences(program, path, trusted, expected):
    """Yields what is wrong with the answers to one bundle."""
    found = status_of_reader(path, trusted)
    if found != expected:
        yield 'the reader ends with %d, expected %d' % (found, expected)
    command = [program, 'verify', '-q', '--deep', path]  # the refusal alone, without the story
    for pub in trusted:
        command += ['--trust', pub]
    done, cpu_s, memory_kib = measured(command)
    if done.returncode == KILLED:
        yield 'the program has not ended after %d s' % LIMIT_SECONDS
        return
    if expected and (cpu_s > LIMIT_CPU_S or memory_kib > LIMIT_MEMORY_KIB.get(os.path.basename(path)[0], LIMIT_MEMORY_MOST_KIB)):
        yield 'the refusal took %.2f s of CPU and %d KiB of memory' % (cpu_s, memory_kib)
    said = done.stderr.decode('ascii', 'backslashreplace')
    if done.returncode != expected:
        yield 'the program ends with %d, expected %d: %s' % (done.returncode, expected, said[:200].strip())
    elif expected and not re.fullmatch(r'[^\n]+\n(  hint: [^\n]+\n)?', said):
        yield 'the refusal is not one line: %r' % said[:300]
    if re.search(r'[^\n\x20-\x7e]', said):
        yield 'the refusal has bytes that are not printable: %r' % said[:300]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        write_damage(directory)
        trusted = [os.path.join(directory, name) for name in ('golden.pub', 'second.pub')]
        with open(os.path.join(directory, 'expected.tsv')) as f:
            cases = [line.rstrip('\n').split('\t') for line in f]
        for name, kind, note in cases:
            wrong = list(differences(sys.argv[1], os.path.join(directory, name + '.bundle.tar.zst'), trusted, STATUS.get(kind, 0)))
            for what in wrong:
                print('%s (%s): %s' % (name, note, what))
            passed, failed = passed + (not wrong), failed + bool(wrong)
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
