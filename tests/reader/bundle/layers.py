"""Recipes, the window rule and rebuilding (docs/FORMAT.md, 3.1 and 3.2)."""
import bisect
import collections
import hashlib
import struct

from .base import MIB, WINDOW_BYTES, WINDOW_CHUNKS, need, round_up


def parse_recipes(data, m):
    """Returns for each layer its extents (source, length, offset)."""
    stream = sum(e['size'] for e in m['members'] if e['name'].startswith('data/'))
    base, at, recipes = m.get('base', {}).get('layers', []), 12, []
    whole = {b['diff_id']: k + 1 for k, b in enumerate(base)}
    need(data[:12] == b'ARCHREC1' + struct.pack('<I', len(m['layers'])), 'FORMAT', 'layers.bin: magic or number of layers')
    for i, layer in enumerate(m['layers']):
        need(len(data) >= at + 4, 'FORMAT', 'layers.bin: ends in layer %d' % i)
        count, = struct.unpack_from('<I', data, at)
        need(len(data) >= at + 4 + 16 * count, 'FORMAT', 'layers.bin: ends in layer %d' % i)
        extents, before = list(struct.iter_unpack('<IIQ', data[at + 4:at + 4 + 16 * count])), None
        for source, length, offset in extents:
            need(length and source <= len(base), 'FORMAT', 'layers.bin: layer %d: length or source' % i)
            need(not source or offset + length <= base[source - 1]['size'], 'FORMAT', 'layers.bin: layer %d: extent ends beyond the base layer' % i)
            need(source or offset + length <= stream, 'FORMAT', 'layers.bin: layer %d: extent ends beyond the data' % i)
            need(before is None or before[0] != source or before[2] + before[1] != offset or before[1] + length >= 2**32,
                 'FORMAT', 'layers.bin: layer %d: extents are not merged' % i)
            before = (source, length, offset)
        if layer['diff_id'] in whole:
            starts = [sum(e[1] for e in extents[:k]) for k in range(len(extents))]
            need([(e[0], e[2]) for e in extents] == [(whole[layer['diff_id']], s) for s in starts],
                 'FORMAT', 'layers.bin: layer %d: is in base.layers, but is not that layer from end to end' % i)
        need(sum(e[1] for e in extents) == layer['size'], 'FORMAT', 'layers.bin: layer %d: lengths do not make its size' % i)
        recipes.append(extents)
        at += 4 + 16 * count
    need(at == len(data), 'FORMAT', 'layers.bin: %d bytes left over' % (len(data) - at))
    return recipes


def data_runs(m, table):
    """Maps the data stream to chunks: [(start in the stream, chunk)], in order, with an end mark."""
    runs, raw, pos, k, chunk_end = [], 0, 0, 0, table[0][1]
    for member in m['members']:
        at, end = raw + 512, raw + 512 + member['size']
        while member['name'].startswith('data/') and at < end:
            while chunk_end <= at:
                k += 1
                chunk_end += table[k][1]
            runs.append((pos, k))
            step = min(end, chunk_end) - at
            at, pos = at + step, pos + step
        raw += 512 + round_up(member['size'], 512)
    return runs + [(pos, None)]


def check_window(extents, runs, i):
    """No 16 MiB of the layer are read from more than 64 chunks (3.2)."""
    starts, at, seen, inside = [r[0] for r in runs], 0, collections.Counter(), collections.deque()
    for source, length, offset in extents:
        first = 0
        if source == 0:
            first = bisect.bisect_right(starts, offset) - 1
        while source == 0 and runs[first][0] < offset + length:
            begin = at + max(0, runs[first][0] - offset)
            end = at + min(length, runs[first + 1][0] - offset)
            while inside and inside[0][0] <= max(0, begin - WINDOW_BYTES + 1):
                gone = inside.popleft()[1]
                seen[gone] -= 1
                if not seen[gone]:
                    del seen[gone]
            inside.append((end, runs[first][1]))
            seen[runs[first][1]] += 1
            need(len(seen) <= WINDOW_CHUNKS, 'FORMAT', 'layers.bin: layer %d: 16 MiB at %d touch more than %d chunks'
                 % (i, max(0, begin - WINDOW_BYTES + 1), WINDOW_CHUNKS))
            first += 1
        at += length


def rebuild(m, recipes, stream, base=None, keep=None):
    """Puts every tar together and compares its digest. base: the tar of each base layer, by diff_id, as a file. keep: makes a file for a tar."""
    wanted = m.get('base', {})
    of_base = {b['diff_id'] for b in wanted.get('layers', [])}
    for i, (layer, extents) in enumerate(zip(m['layers'], recipes)):
        if layer['diff_id'] in of_base:
            continue  # nothing of it is in the bundle
        digest, kept = hashlib.sha256(), keep and keep(layer['diff_id'])
        for source, length, offset in extents:
            place = stream
            if source:
                name = wanted['layers'][source - 1]['diff_id']
                need(base is not None and name in base, 'POLICY', 'layer %d needs layer %s of its base, release %s' % (i, name, wanted.get('release_sha256')))
                place = base[name]
            place.seek(offset)
            while length:
                piece = place.read(min(length, MIB))
                need(piece, 'INTEGRITY', 'layer %d: its base layer ends too early' % i)
                digest.update(piece)
                if kept:
                    kept.write(piece)
                length -= len(piece)
        need('sha256:' + digest.hexdigest() == layer['diff_id'], 'INTEGRITY', 'layer %d: SHA-256 is %s' % (i, digest.hexdigest()))
