"""Bundles that are wrong in one way each, with the class in which every reader must refuse them, and some that look odd
but are right (class OK). Names begin with the row of the hostile matrix that they belong to; "recipe" is layers.bin.

Most damage is done before the signature is made: then only the rule that is broken can refuse the bundle.
"""
from bundle.writer import Key, build, golden_spec

from . import deltas, m_manifest, recipes, s_signatures, t_members, x_exact, z_frames


class Maker:
    """build() for the golden bundle with changes, and what the cases ask about it."""
    def __init__(self, key, second):
        self.spec, self.key, self.second, self.other = golden_spec(), key, second, Key('ed25519', b'nobody trusts this one')
        seen = {}

        def see(name):
            return {name: lambda value: seen.setdefault(name, value)}
        self.golden = self(**see('manifest'), **see('members'), **see('content'))
        self.manifest, self.header = seen['manifest'], seen['content']
        self.data = [n for n, _, _ in seen['members']].index('data/00000.bin')     # index of the first data member
        self.stream = sum(len(c) for n, c, _ in seen['members'] if n.startswith('data/'))

    def __call__(self, **change):
        return build(self.spec, [self.key], **change)


def cases(key, second):
    """Yields (name, class, note, bytes of the file)."""
    make = Maker(key, second)
    yield 'ok-golden', 'OK', 'the golden bundle itself', make.golden
    for module in (z_frames, t_members, m_manifest, s_signatures, recipes, deltas, x_exact):
        yield from module.cases(make)
