"""layers.bin and the window rule."""
import struct

from bundle.writer import build, counter, without_images

from .changes import at_index, edit


def extents(make):
    def first(change):
        return make(recipes=at_index(0, lambda extents: change([tuple(e) for e in extents])))
    yield 'recipe-magic', 'FORMAT', 'ARCHREC2', make(layers_bin=lambda b: b'ARCHREC2' + b[8:])
    yield 'recipe-layer-missing', 'FORMAT', 'a layer less than the manifest', make(recipes=lambda rs: rs[:-1])
    yield 'recipe-layer-more', 'FORMAT', 'a layer more than the manifest', make(recipes=lambda rs: rs + [[(0, 10, 0)]])
    yield 'recipe-number-alone', 'FORMAT', 'says a layer more than there is', make(layers_bin=lambda b: b[:8] + struct.pack('<I', 4) + b[12:])
    yield 'recipe-trailing', 'FORMAT', 'a byte after the last layer', make(layers_bin=lambda b: b + b'\0')
    yield 'recipe-truncated', 'FORMAT', 'ends in an extent', make(layers_bin=lambda b: b[:-1])
    yield 'recipe-truncated-count', 'FORMAT', 'ends in a number of extents', make(layers_bin=lambda b: b[:14])
    yield 'recipe-count-huge', 'FORMAT', '2^32 - 1 extents', make(layers_bin=lambda b: b[:12] + b'\xff\xff\xff\xff' + b[16:])
    yield 'recipe-zero-length', 'FORMAT', 'an extent of no bytes', first(lambda es: [(0, 0, 5)] + es)
    yield 'recipe-source', 'FORMAT', 'source 1 without base', first(lambda es: [(1, *es[0][1:])] + es[1:])
    yield 'recipe-source-2', 'FORMAT', 'source 2 with one base layer', make(
        recipes=at_index(0, lambda es: [(2, *es[0][1:])] + es[1:]), manifest=edit('base', {'release_sha256': '0' * 64, 'layers': ['sha256:' + '0' * 64]}))
    yield 'recipe-beyond', 'FORMAT', 'one byte beyond the data', first(lambda es: [(0, es[0][1], make.stream - es[0][1] + 1)] + es[1:])
    yield 'recipe-beyond-far', 'FORMAT', 'offset 2^63', first(lambda es: [(0, es[0][1], 1 << 63)] + es[1:])
    yield 'recipe-beyond-overflow', 'FORMAT', 'offset 2^64 - 1', first(lambda es: [(0, es[0][1], (1 << 64) - 1)] + es[1:])
    yield 'recipe-beyond-wrap', 'FORMAT', 'offset + length wraps to less than the data', first(lambda es: [(0, es[0][1], (1 << 64) - es[0][1] + 1)] + es[1:])
    yield 'recipe-short', 'FORMAT', 'lengths one less than the size', first(lambda es: es[:-1] + [(0, es[-1][1] - 1, es[-1][2])])
    yield 'recipe-long', 'FORMAT', 'lengths more than the size', first(lambda es: es + [(0, 7, 0)])
    yield 'recipe-not-merged', 'FORMAT', 'two extents that could be one', first(lambda es: [(0, 1000, es[0][2]), (0, es[0][1] - 1000, es[0][2] + 1000)] + es[1:])
    yield 'recipe-size-of-layer', 'FORMAT', 'the manifest says one byte more', make(manifest=lambda m: edit('layers', 0, 'size', m['layers'][0]['size'] + 1)(m))
    yield 'recipe-other-bytes', 'INTEGRITY', 'the right length of the wrong bytes: only rebuilding shows it', first(lambda es: [(0, es[0][1], es[0][2] + 1)] + es[1:])
    yield 'recipe-diff-id', 'INTEGRITY', 'another diff_id: only rebuilding shows it', make(
        manifest=edit('layers', 0, 'diff_id', 'sha256:' + '0' * 64),
        members=at_index(0, lambda m: [m[0], m[1].replace(make.manifest['layers'][0]['diff_id'].encode(), b'sha256:' + b'0' * 64), m[2]]))
    yield 'recipe-no-layers', 'OK', 'an application without images', build(
        {**without_images(make.spec), 'layers': [], 'stream': b'', 'recipes': []}, [make.key])
    yield 'recipe-empty-layer', 'OK', 'a layer of no bytes has no extents', build(
        {**make.spec, 'layers': make.spec['layers'] + [b'']}, [make.key])


def window(make):
    """The window rule at its limit."""
    def bundle(stream, layer_extents, data_cut=512, **change):
        layer = b''.join(stream[o:o + n] for _, n, o in layer_extents)
        return build({**without_images(make.spec), 'layers': [layer], 'stream': stream, 'recipes': [layer_extents], 'data_cut': data_cut, 'data_split': 1 << 30},
                     [make.key], **change)
    stream = counter(65 * 512)
    yield 'recipe-window-64', 'OK', 'a layer of 64 chunks', bundle(stream[:64 * 512], [(0, 64 * 512, 0)])
    yield 'recipe-window-65', 'FORMAT', 'a layer of 65 chunks', bundle(stream, [(0, 65 * 512, 0)])
    yield 'recipe-window-64-reused', 'OK', '64 chunks, the first entered again', bundle(stream[:64 * 512], [(0, 64 * 512, 0), (0, 100, 7)])

    # One early chunk, 16 MiB of zero bytes that are all one chunk, 63 late chunks: 65 when one window sees both ends.
    block, late = 32768, counter(64 * 512)
    for label, kind, gap in (('apart', 'OK', 16745471), ('near', 'FORMAT', 16745470)):
        zeros = [(0, block, 0)] * (gap // block) + [(0, gap % block, 0)]
        yield 'recipe-window-' + label, kind, 'first and last of 65 chunks are %d bytes apart' % (gap + 62 * 512 + 1), bundle(
            bytes(block) + late, [(0, 512, block), *zeros, (0, 63 * 512, block + 512)], 1 << 30, plan=cut_at(block))


def cut_at(block):
    """The chunks of data: its first bytes alone, then 512 bytes each."""
    def plan(pieces):
        k = max(range(len(pieces)), key=lambda i: len(pieces[i]))
        data = pieces[k]
        return [*pieces[:k], data[:block], *(data[i:i + 512] for i in range(block, len(data), 512)), *pieces[k + 1:]]
    return plan


def cases(make):
    yield from extents(make)
    yield from window(make)
