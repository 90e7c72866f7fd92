#!/usr/bin/env python3
"""Writes bundles as docs/FORMAT.md describes them, without the project's C code.

    make_bundle.py golden DIR     the golden bundle, its public key and what is in it
    make_bundle.py damage DIR     NAME.bundle.tar.zst for every case of damage/, expected.tsv, the two trusted keys
    make_bundle.py key OUT        the private key of the golden bundle: TEST ONLY, anybody can make it
"""
import os
import sys

from bundle.base import sha256
from bundle.golden_exact import golden_exact_spec
from bundle.writer import Key, build, golden_spec
from damage import cases

GOLDEN_KEY = ('ed25519', b'golden')
SECOND_KEY = ('p256', b'second')


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def write_golden(directory):
    spec, key = golden_spec(), Key(*GOLDEN_KEY)
    write(os.path.join(directory, 'golden.bundle.tar.zst'), build(spec, [key]))
    write(os.path.join(directory, 'golden.pub'), key.public)
    write(os.path.join(directory, 'golden.layers'),
          b''.join(b'sha256:%s %d\n' % (sha256(layer).encode(), len(layer)) for layer in spec['layers']))
    write(os.path.join(directory, 'golden-exact.bundle.tar.zst'), build(golden_exact_spec(), [key]))


def write_damage(directory):
    golden, second = Key(*GOLDEN_KEY), Key(*SECOND_KEY)
    write(os.path.join(directory, 'golden.pub'), golden.public)
    write(os.path.join(directory, 'second.pub'), second.public)
    rows = []
    for name, kind, note, data in cases(golden, second):
        write(os.path.join(directory, name + '.bundle.tar.zst'), data)
        rows.append('%s\t%s\t%s\n' % (name, kind, note))
    write(os.path.join(directory, 'expected.tsv'), ''.join(rows).encode())


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ('golden', 'damage', 'key'):
        sys.exit(__doc__)
    if sys.argv[1] == 'key':
        return write(sys.argv[2], Key(*GOLDEN_KEY).private)
    os.makedirs(sys.argv[2], exist_ok=True)
    (write_golden if sys.argv[1] == 'golden' else write_damage)(sys.argv[2])


if __name__ == '__main__':
    main()
