#!/usr/bin/env python3
"""A bundle of a given length that takes little room: its data is zero bytes, stored as they are, in a sparse file (row Z14).

    make_large.py FILE BYTES      signed by the key of the golden bundle; 6 MiB and more
"""
import functools
import struct
import sys

from bundle.base import MIB, sha256, tar_header
from bundle.writer import Key, canonical, data_header_frame, manifest_bytes, manifest_of, recipes_bytes, stored_frame, zstd
from make_bundle import GOLDEN_KEY

GIB = 1024 * MIB
HEADER, DATA_MEMBER, CHUNK, BLOCK, LAYER = 512 * 1024, 4 * GIB, 4 * MIB, 131072, GIB


class Zeros:
    """Content that is only counted."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n


class Frame:
    """A zstd frame of stored blocks: where its bytes are not zero. One for each length."""

    def __init__(self, raw):
        check = zstd(bytes(raw))[-4:]
        self.raw, self.bits, at = raw, [(0, b'\x28\xb5\x2f\xfd\xa4' + struct.pack('<I', raw))], 9
        for begin in range(0, raw, BLOCK):
            n = min(BLOCK, raw - begin)
            self.bits.append((at, (n << 3 | (begin + n == raw)).to_bytes(3, 'little')))
            at += 3 + n
        self.bits.append((at, check))
        self.packed = at + 4
        whole = bytearray(self.packed)
        for place, data in self.bits:
            whole[place:place + len(data)] = data
        self.sha256 = bytes.fromhex(sha256(bytes(whole)))


zero_frame = functools.lru_cache(None)(Frame)


class Small(Frame):
    def __init__(self, raw, packed):
        self.raw, self.packed, self.bits, self.sha256 = len(raw), len(packed), [(0, packed)], bytes.fromhex(sha256(packed))


class Layers:
    """What a manifest says about layers that nobody rebuilds."""

    def __init__(self, data):
        self.sizes = [min(LAYER, data - at) for at in range(0, data, LAYER)]

    def entries(self):
        ids = ['sha256:' + sha256(b'layer %d' % i) for i in range(len(self.sizes))]
        return [{'diff_id': i, 'size': n, 'blobs': [{'digest': i, 'media_type': 'application/vnd.oci.image.layer.v1.tar', 'size': n}]} for i, n in zip(ids, self.sizes)]

    def recipes(self):
        return recipes_bytes([[(0, n, i * LAYER)] for i, n in enumerate(self.sizes)])


def plan(data):
    """(members, frames in file order) of a bundle with so much data."""
    release, layers = canonical({'archon_release': 1, 'name': 'large', 'version': '1.0.0', 'images': []}) + b'\n', Layers(data).recipes()
    first = tar_header('release.json', len(release)) + release + bytes(-len(release) % 512)
    members, order, fill = [['release.json', release, False]], [Small(first, zstd(first))], b''
    for k, at in enumerate(range(0, data, DATA_MEMBER)):
        name, n = 'data/%05d.bin' % k, min(DATA_MEMBER, data - at)
        header = tar_header(name, n)
        members.append([name, Zeros(n), False])
        order.append(Small(header, data_header_frame(header)))
        for begin in range(0, n, CHUNK):
            length = min(CHUNK, n - begin)
            order.append(zero_frame(length))
        fill = bytes(-n % 512)
    last = fill + tar_header('layers.bin', len(layers)) + layers + bytes(-len(layers) % 512) + bytes(1024)
    return members + [['layers.bin', layers, False]], order + [Small(last, zstd(last))]


def fitted(total):
    """The plan whose file is so long: guesses, and corrects by what is missing."""
    data = total - HEADER - 2 * MIB
    for _ in range(20):
        members, order = plan(data)
        missing = total - HEADER - sum(frame.packed for frame in order)
        if missing == 0:
            return members, order, data
        data += missing
    raise SystemExit('no bundle has exactly %d bytes; try another length' % total)


def write(path, total):
    key = Key(*GOLDEN_KEY)
    members, order, data = fitted(total)
    table = [[frame.packed, frame.raw, frame.sha256] for frame in order]
    chunks_bin = b''.join(struct.pack('<II32s', *entry) for entry in table)
    manifest = manifest_of({'name': 'large', 'version': '1.0.0', 'header_len': HEADER, 'layers': []}, members, table, [])
    manifest['layers'], manifest['chunks']['sha256'] = Layers(data).entries(), sha256(chunks_bin)
    document = manifest_bytes(manifest)
    content = b''.join(tar_header(name, len(data)) + data + bytes(-len(data) % 512)
                       for name, data in (('bundle.json', document), ('chunks.bin', chunks_bin), (key.name, key.sign(document))))
    header, at = stored_frame(content), HEADER
    with open(path, 'wb') as f:
        f.write(header + b'\x50\x2a\x4d\x18' + struct.pack('<I', HEADER - len(header) - 8))
        for frame in order:
            for place, data in frame.bits:
                f.seek(at + place)
                f.write(data)
            at += frame.packed
        f.truncate(at)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(sys.argv[1], int(sys.argv[2]))
