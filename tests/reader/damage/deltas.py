"""Deltas: base in bundle.json, and recipes that read from it (docs/FORMAT.md, 3.6). No base is at hand when these are read."""
from .changes import at_index, edit

OTHER, RELEASE = 'sha256:' + 'ab' * 32, 'cd' * 32


def cases(make):
    layer = make.manifest['layers'][0]
    own, size = layer['diff_id'], layer['size']

    def delta(*layers, release=RELEASE, version='0.9.0', recipe=None, **more):
        base = {'release_sha256': release, 'version': version, 'layers': list(layers), **more}
        base = {key: value for key, value in base.items() if value is not None}
        change = {'manifest': edit('base', base)}
        if recipe:
            change['recipes'] = at_index(0, lambda extents: recipe([tuple(e) for e in extents]))
        return make(**change)

    def old(diff_id=OTHER, size=5000, **more):
        return {'diff_id': diff_id, 'size': size, **more}

    def begins(source, length, offset):
        """The layer begins with this in place of its first bytes."""
        return lambda extents: [(source, length, offset), (0, size - length, 0)]
    whole = old(own, size)
    yield 'delta-unused', 'OK', 'a base that no recipe reads from', delta(old())
    yield 'delta-of-inventory', 'OK', 'a base without release and version', delta(old(), release=None, version=None)
    yield 'delta-whole', 'OK', 'a layer that the base has: nothing of it is in the bundle', delta(whole, recipe=lambda _: [(1, size, 0)])
    yield 'delta-base-not-at-hand', 'POLICY', 'a layer that reads from its base', delta(old(), recipe=begins(1, 100, 0))
    yield 'delta-to-the-end', 'POLICY', 'the last byte of the base layer', delta(old(), recipe=begins(1, 100, 4900))
    yield 'delta-beyond', 'FORMAT', 'one byte beyond the base layer', delta(old(), recipe=begins(1, 100, 4901))
    yield 'delta-beyond-overflow', 'FORMAT', 'offset + length wraps', delta(old(), recipe=begins(1, 100, 2**64 - 50))
    yield 'delta-empty-layer', 'FORMAT', 'from a base layer of no bytes', delta(old(size=0), recipe=begins(1, 1, 0))
    yield 'delta-source', 'FORMAT', 'source 2 with one base layer', delta(old(), recipe=begins(2, 100, 0))
    yield 'delta-source-last', 'FORMAT', 'source 2^32 - 1', delta(old(), recipe=begins(2**32 - 1, 100, 0))
    yield 'delta-not-merged', 'FORMAT', 'two extents of a base layer that could be one', delta(
        old(), recipe=lambda _: [(1, 100, 0), (1, 100, 100), (0, size - 200, 0)])
    yield 'delta-whole-from-data', 'FORMAT', 'the base has the layer, the recipe makes it from the data', delta(whole)
    yield 'delta-whole-in-part', 'FORMAT', 'the base has the layer, and a byte of it comes from elsewhere', delta(
        whole, recipe=lambda _: [(1, size - 1, 0), (0, 1, 0)])
    yield 'delta-whole-shifted', 'FORMAT', 'the base has the layer, the recipe begins in its middle', delta(
        whole, recipe=lambda _: [(1, size - 1, 1), (1, 1, 0)])
    yield 'delta-whole-elsewhere', 'FORMAT', 'the base has the layer, the recipe takes another one', delta(
        old(size=size), whole, recipe=lambda _: [(1, size, 0)])
    yield 'delta-two-sizes', 'FORMAT', 'one layer with two sizes', delta(old(own, size + 1), recipe=lambda _: [(1, size, 0)])
    yield 'delta-of-itself', 'FORMAT', 'the base is this release', delta(old(), release=make.manifest['release']['sha256'])
    yield 'delta-without-version', 'FORMAT', 'release_sha256 alone', delta(old(), version=None)
    yield 'delta-without-release', 'FORMAT', 'version alone', delta(old(), release=None)
    yield 'delta-version', 'FORMAT', 'version 1.0', delta(old(), version='1.0')
    yield 'delta-release', 'FORMAT', 'a release digest of 63 digits', delta(old(), release=RELEASE[:63])
    yield 'delta-layer-text', 'FORMAT', 'a layer without its size', delta(OTHER)
    yield 'delta-layer-key', 'FORMAT', 'a layer with another key', delta(old(path='/etc/passwd'))
    yield 'delta-layer-1TiB', 'FORMAT', 'a layer of more than 1 TiB', delta(old(size=2**40 + 1))
    yield 'delta-layer-negative', 'FORMAT', 'a layer of -1 bytes', delta(old(size=-1))
    yield 'delta-layer-twice', 'FORMAT', 'a layer twice', delta(old(), old())
