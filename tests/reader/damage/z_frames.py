"""Row Z: the file and its frames."""
import gzip
import lzma
import struct
import subprocess

from bundle.base import MIB, tar_header
from bundle.writer import build, golden_spec, stored_frame, without_images, zstd

from .changes import at_index, flip, swap


def files(make):
    good, h, manifest_at = make.golden, make.spec['header_len'], 13 + 3 + 512
    frame_end = 13 + 3 + struct.unpack('<Q', good[5:13])[0]
    for name, data in (('empty', b''), ('one-byte', good[:1]), ('four-bytes', good[:4])):
        yield 'Z01-' + name, 'FORMAT', 'not a bundle', data
    for name, data in (('gzip', gzip.compress(good[:2000], mtime=0)), ('tar', tar_header('bundle.json', 3) + bytes(2048)),
                       ('xz', lzma.compress(good[:2000])), ('iso', bytes(32768) + b'\1CD001\1' + bytes(40000)), ('zip', b'PK\3\4' + bytes(4000)),
                       ('elf', b'\x7fELF' + bytes(4000)), ('zeros', bytes(70000))):
        yield 'Z02-' + name, 'FORMAT', 'not a bundle', data
    for name, n in (('magic', 3), ('frame-header', 9), ('block-header', 15), ('tar-header', 300), ('manifest', manifest_at + 100),
                    ('before-frame-end', frame_end - 1)):
        yield 'Z03-cut-in-' + name, 'FORMAT', 'ends in the header frame', good[:n]
    for name, n in (('at-frame-end', frame_end), ('in-padding-magic', frame_end + 2), ('in-padding', frame_end + 1000), ('before-H', h - 1),
                    ('at-H', h), ('after-H', h + 1), ('in-chunks', h + 3000), ('before-end', len(good) - 1)):
        yield 'Z03-cut-' + name, 'INTEGRITY', 'ends at %d' % n, good[:n]
    table_at = good.index(b'chunks.bin\0') + 512
    for name, at, kind in (('magic', 0, 'FORMAT'), ('descriptor', 4, 'FORMAT'), ('content-size', 6, 'FORMAT'), ('content-size-top', 12, 'FORMAT'),
                           ('block-header', 13, 'FORMAT'), ('tar-name', 17, 'FORMAT'), ('tar-size', 16 + 134, 'FORMAT'),
                           ('tar-rest', 16 + 511, 'FORMAT'), ('manifest', manifest_at + 30, 'TRUST'), ('manifest-start', manifest_at + 3, 'FORMAT'), ('manifest-byte-19', manifest_at + 19, 'TRUST'),
                           ('table', table_at + 8, 'INTEGRITY'), ('table-length', table_at, 'INTEGRITY'), ('padding-magic', frame_end, 'FORMAT'),
                           ('padding-length', frame_end + 4, 'FORMAT'), ('padding', h - 1, 'FORMAT'), ('chunk-magic', h, 'INTEGRITY'),
                           ('chunk', h + 700, 'INTEGRITY'), ('last-byte', len(good) - 1, 'INTEGRITY')):
        yield 'Z04-flip-' + name, kind, 'one bit at %d' % at, flip(at, 2)(good)
    yield 'Z05-byte-appended', 'INTEGRITY', 'after the end', good + b'\0'
    yield 'Z05-page-appended', 'INTEGRITY', 'after the end', good + bytes(65536)
    yield 'Z05-mebibyte-appended', 'INTEGRITY', 'after the end', good + bytes(MIB)
    yield 'Z06-bundle-appended', 'INTEGRITY', 'the same bundle again', good + good
    yield 'Z06-frame-appended', 'INTEGRITY', 'a zstd frame with a tar', good + zstd(tar_header('evil', 4) + b'evil' + bytes(508))
    yield 'Z06-skippable-appended', 'INTEGRITY', 'an empty skippable frame', good + bytes.fromhex('502a4d1800000000')
    yield 'Z16-payload-swapped', 'INTEGRITY', 'two chunks changed places', make(payload=swap_halves)
    yield 'Z16-payload-dropped', 'INTEGRITY', 'first 522 bytes of chunks missing', make(payload=lambda p: p[522:])
    yield 'Z16-payload-repeated', 'INTEGRITY', 'chunks twice', make(payload=lambda p: p + p)


def swap_halves(payload):
    half = len(payload) // 2
    return payload[half:] + payload[:half]


def header(make):
    def pad(change):
        return make(padding=change)
    yield 'Z08-padding-not-zero', 'FORMAT', 'a byte in the middle', pad(flip(1000))
    yield 'Z08-padding-first-byte', 'FORMAT', 'its first byte', pad(flip(8))
    yield 'Z08-padding-other-magic', 'FORMAT', 'magic 51 2A 4D 18', pad(flip(0))
    yield 'Z08-padding-in-two', 'FORMAT', 'two skippable frames', pad(
        lambda p: p[:4] + struct.pack('<I', 100) + bytes(100) + p[:4] + struct.pack('<I', len(p) - 116) + bytes(len(p) - 116))
    yield 'Z08-padding-one-short', 'FORMAT', 'length one less', pad(lambda p: p[:4] + struct.pack('<I', len(p) - 9) + p[8:])
    yield 'Z08-padding-too-long', 'FORMAT', 'length beyond H', pad(lambda p: p[:4] + struct.pack('<I', len(p) + 100) + p[8:])
    yield 'Z08-padding-ends-before-H', 'FORMAT', 'the padding is followed by another one, which ends at the signed H', make(
        manifest=lambda m: {**m, 'header_len': m['header_len'] + 65536, 'total_len': m['total_len'] + 65536},
        padding=lambda p: p + b'\x50\x2a\x4d\x18' + struct.pack('<I', 65528) + bytes(65528))
    yield 'Z08-padding-data-frame', 'FORMAT', 'a zstd frame of zeros', pad(lambda p: stored_frame(bytes(len(p) - 16))[:len(p)])

    def framed(change):
        content = []
        return make(content=lambda c: content.append(c) or c, header_frame=lambda f: change(f, content[0]))

    yield 'Z10-header-compressed', 'FORMAT', 'an ordinary zstd frame', framed(lambda f, c: zstd(c))
    yield 'Z10-header-compressed-canonical-start', 'FORMAT', 'type 2 in the block header', framed(lambda f, c: f[:13] + bytes([f[13] | 4]) + f[14:])
    yield 'Z10-header-rle', 'FORMAT', 'type 1 in the block header', framed(lambda f, c: f[:13] + bytes([f[13] | 2]) + f[14:])
    yield 'Z10-header-not-last', 'FORMAT', 'last bit missing', framed(lambda f, c: f[:13] + bytes([f[13] & 0xfe]) + f[14:])
    yield 'Z10-header-two-blocks', 'FORMAT', 'a short block that is not the last', framed(
        lambda f, c: f[:13] + (1024 << 3).to_bytes(3, 'little') + c[:1024] + (len(c) - 1024 << 3 | 1).to_bytes(3, 'little') + c[1024:])
    yield 'Z10-header-empty-last-block', 'FORMAT', 'an empty block at the end', framed(
        lambda f, c: f[:13] + (len(c) << 3).to_bytes(3, 'little') + c + b'\1\0\0')
    yield 'Z10-header-checksum', 'FORMAT', 'descriptor E4 and a checksum', framed(lambda f, c: f[:4] + b'\xe4' + f[5:] + b'\0\0\0\0')
    yield 'Z10-header-short-size', 'FORMAT', 'content size in 4 bytes', framed(
        lambda f, c: f[:4] + b'\xa0' + struct.pack('<I', len(c)) + f[13:])
    yield 'Z10-header-not-512', 'FORMAT', 'content size not a multiple of 512', make(content=lambda c: c + b'\0')
    yield 'Z10-header-huge', 'FORMAT', 'content size 2^62', framed(lambda f, c: f[:5] + struct.pack('<Q', 1 << 62) + f[13:])
    yield 'Z10-header-bomb', 'FORMAT', '10 GiB of one byte: blocks of type 1', framed(
        lambda f, c: f[:5] + struct.pack('<Q', 10 * 1024 * MIB) + ((131072 << 3 | 2).to_bytes(3, 'little') + b'{') * 81919 + (131072 << 3 | 3).to_bytes(3, 'little') + b'{')
    yield 'Z10-header-empty', 'FORMAT', 'content size 0', framed(lambda f, c: f[:5] + bytes(8) + b'\1\0\0')
    yield 'Z10-header-tail', 'FORMAT', '512 zero bytes after the signatures', make(content=lambda c: c + bytes(512))


def reheader(frame, descriptor, window=b'', size=b'', dictionary=b''):
    """The same blocks under another frame header. frame is single segment with a content size of 1 or 2 bytes, as zstd makes for small data."""
    assert frame[4] in (0x24, 0x64), frame[4]
    return frame[:4] + bytes([descriptor]) + window + dictionary + size + frame[6 if frame[4] == 0x24 else 7:]


def frames(make):
    u32 = struct.Struct('<I').pack

    def chunk(change, k=0):
        return make(frames=at_index(k, lambda f: [change(f[0]), f[1]]))

    def sized(descriptor, window):
        return make(frames=at_index(0, lambda f: [reheader(f[0], descriptor, window, u32(f[1])), f[1]]))
    yield 'Z11-window-4MiB', 'OK', 'exactly the limit', sized(0x84, b'\x60')
    yield 'Z11-window-4.5MiB', 'FORMAT', 'one step more', sized(0x84, b'\x61')
    yield 'Z11-window-8MiB', 'FORMAT', 'log 23', sized(0x84, b'\x68')
    yield 'Z11-window-2GiB', 'FORMAT', '--long=31', sized(0x84, b'\xa8')
    yield 'Z11-window-largest', 'FORMAT', 'log 41', sized(0x84, b'\xff')
    yield 'Z11-content-size-in-8', 'OK', 'any width of the content size', make(
        frames=at_index(0, lambda f: [reheader(f[0], 0xe4, size=struct.pack('<Q', f[1])), f[1]]))
    yield 'Z12-table-says-more', 'INTEGRITY', 'raw length + 1, the next - 1', make(
        table=lambda t: [[t[0][0], t[0][1] + 1, t[0][2]], t[1], [t[2][0], t[2][1] - 1, t[2][2]], *t[3:]])
    yield 'Z12-table-says-less', 'INTEGRITY', 'raw length - 1, the next + 1', make(
        table=lambda t: [[t[0][0], t[0][1] - 1, t[0][2]], t[1], [t[2][0], t[2][1] + 1, t[2][2]], *t[3:]])
    yield 'Z12-content-size-lies', 'FORMAT', 'frame and table agree, the blocks do not', make(
        frames=lambda fs: [[reheader(fs[0][0], 0x84, b'\x40', u32(fs[0][1] + 1)), fs[0][1] + 1], fs[1],
                           [zstd(b'x' * (fs[2][1] - 1)), fs[2][1] - 1], *fs[3:]])
    yield 'Z15-truncated', 'FORMAT', '3 bytes missing from the frame', chunk(lambda f: f[:-3])
    yield 'Z15-truncated-in-block', 'FORMAT', 'half of the frame', chunk(lambda f: f[:len(f) // 2])
    yield 'Z15-truncated-in-header', 'FORMAT', '5 bytes', chunk(lambda f: f[:5])
    yield 'Z15-magic-alone', 'FORMAT', '4 bytes', chunk(lambda f: f[:4])
    yield 'Z15-one-byte', 'FORMAT', '1 byte', chunk(lambda f: f[:1])
    yield 'Z15-trailing-byte', 'FORMAT', 'a byte after the frame', chunk(lambda f: f + b'\0')
    yield 'Z15-two-frames', 'FORMAT', 'an empty frame after the frame', chunk(lambda f: f + zstd(b''))
    yield 'Z15-two-halves', 'FORMAT', 'content in two frames', make(frames=lambda fs: fs[:2] + [
        [zstd(raw_of(fs[2][0])[:100]) + zstd(raw_of(fs[2][0])[100:]), fs[2][1]]] + fs[3:])
    yield 'Z15-skippable-after', 'FORMAT', 'a skippable frame after the frame', chunk(lambda f: f + bytes.fromhex('502a4d1800000000'))
    yield 'Z15-skippable-before', 'FORMAT', 'a skippable frame before it', chunk(lambda f: bytes.fromhex('502a4d1800000000') + f)
    yield 'Z15-legacy-magic', 'FORMAT', 'zstd 0.7', chunk(lambda f: b'\x27' + f[1:])
    yield 'Z15-no-checksum', 'FORMAT', 'in a chunk that is no data header', make(
        frames=at_index(0, lambda f: [zstd(raw_of(f[0]), '--no-check'), f[1]]))
    yield 'Z15-no-checksum-data', 'FORMAT', 'in a chunk of data', make(frames=at_index(2, lambda f: [zstd(raw_of(f[0]), '--no-check'), f[1]]))
    yield 'Z15-stored-no-checksum', 'FORMAT', 'stored, but not the 522 bytes', make(
        frames=at_index(2, lambda f: [b'\x28\xb5\x2f\xfd\xa0' + u32(f[1]) + (f[1] << 3 | 1).to_bytes(3, 'little') + raw_of(f[0]), f[1]]))
    yield 'Z15-data-header-compressed', 'OK', 'with checksum, as any other chunk', make(
        frames=at_index(1, lambda f: [zstd(f[0][10:]), 512]))
    yield 'Z15-data-header-no-checksum', 'FORMAT', 'compressed, without checksum', make(
        frames=at_index(1, lambda f: [zstd(f[0][10:], '--no-check'), 512]))
    yield 'Z15-dictionary-id', 'FORMAT', 'one byte of dictionary id', make(
        frames=at_index(0, lambda f: [reheader(f[0], 0x85, b'\x40', u32(f[1]), b'\x07'), f[1]]))
    yield 'Z15-dictionary-id-zero', 'FORMAT', 'dictionary id 0', make(
        frames=at_index(0, lambda f: [reheader(f[0], 0x85, b'\x40', u32(f[1]), b'\x00'), f[1]]))
    yield 'Z15-unused-bit', 'FORMAT', 'bit 4 of the descriptor', chunk(flip(4, 4))
    yield 'Z15-reserved-bit', 'FORMAT', 'bit 3 of the descriptor', chunk(flip(4, 3))
    yield 'Z15-no-content-size', 'FORMAT', 'flag 0 without single segment', make(
        frames=at_index(0, lambda f: [reheader(f[0], 0x04, b'\x40'), f[1]]))
    yield 'Z15-block-type-3', 'FORMAT', 'reserved block type', chunk(lambda f: flip(7, 1)(flip(7, 2)(f)) if f[7] >> 1 & 3 == 0 else bytes(
        f[:7]) + bytes([f[7] | 6]) + f[8:])
    yield 'Z15-block-too-long', 'FORMAT', 'block longer than the window', make(
        frames=at_index(0, lambda f: [reheader(f[0], 0x84, b'\x00', u32(f[1]))[:10] + b'\xfd\xff\x1f' + bytes(262143), f[1]]))
    yield 'Z15-no-last-block', 'FORMAT', 'a million empty blocks, none of them the last', make(
        frames=at_index(0, lambda f: [reheader(f[0], 0x84, b'\x40', u32(f[1]))[:10] + bytes(3 * (1 << 20)), f[1]]))
    yield 'Z15-wrong-checksum', 'FORMAT', 'the last byte of the frame', chunk(flip(-1))
    yield 'Z15-damaged-block', 'FORMAT', 'zero bytes in a compressed block', chunk(lambda f: f[:20] + bytes(40) + f[60:])
    yield 'Z16-data-swapped-signed', 'INTEGRITY', 'two chunks of data in the other order: only layers show it', make(
        frames=swap(2, 3))
    yield 'Z16-member-chunk-repeated', 'FORMAT', 'a chunk twice, table and manifest right', make(
        frames=lambda fs: fs[:3] + [fs[2]] + fs[3:])


def raw_of(frame):
    return subprocess.run(['zstd', '-dcq'], input=frame, check=True, stdout=subprocess.PIPE).stdout


def table(make):
    def changed(change):
        return make(table=lambda t: change([list(e) for e in t]))

    def lengths(k, packed=0, raw=0, other=2):
        def change(t):
            t[k][0] += packed
            t[k][1] += raw
            t[other][0] -= packed
            t[other][1] -= raw
            return t
        return change
    yield 'Z17-packed-zero', 'FORMAT', 'its bytes counted in another chunk', changed(lambda t: lengths(0, packed=-t[0][0])(t))
    yield 'Z17-raw-zero', 'FORMAT', 'its bytes counted in another chunk', changed(lambda t: lengths(0, raw=-t[0][1])(t))
    yield 'Z17-packed-sum', 'FORMAT', 'total_len one more than the table makes', make(manifest=lambda m: {**m, 'total_len': m['total_len'] + 1})
    yield 'Z17-raw-sum', 'FORMAT', 'raw lengths one too many', changed(lambda t: [[t[0][0], t[0][1] + 1, t[0][2]], *t[1:]])
    yield 'Z17-packed-huge', 'FORMAT', '2^32 - 1', changed(lambda t: [[0xffffffff, *t[0][1:]], *t[1:]])
    yield 'Z17-raw-huge', 'FORMAT', '2^32 - 1', changed(lambda t: [[t[0][0], 0xffffffff, t[0][2]], *t[1:]])
    yield 'Z17-packed-over-limit', 'FORMAT', '4 MiB + 64 KiB + 1', changed(lambda t: [[4 * MIB + 65537, *t[0][1:]], *t[1:]])
    yield 'Z17-count', 'FORMAT', 'count one more than chunks.bin has', make(
        manifest=lambda m: {**m, 'chunks': {**m['chunks'], 'count': m['chunks']['count'] + 1}})
    yield 'Z17-table-not-40', 'FORMAT', 'chunks.bin of 41 bytes more', make(chunks_bin=lambda c: c + bytes(41))
    yield 'Z17-table-longer', 'INTEGRITY', 'an unsigned entry more', make(chunks_bin=lambda c: c + bytes(40))
    yield 'Z17-table-shorter', 'INTEGRITY', 'an entry less', make(chunks_bin=lambda c: c[:-40])
    yield 'Z17-table-empty', 'FORMAT', 'no entry', make(chunks_bin=lambda c: b'')


def other_cuts(make):
    """Where chunks are cut is the writer's choice."""
    def recut(*sizes):
        def plan(pieces):
            raw, cut = b''.join(pieces), []
            for size in sizes:
                cut, raw = cut + [raw[:size]], raw[size:]
            return cut + [raw[i:i + sizes[-1]] for i in range(0, len(raw), sizes[-1])]
        return make(plan=plan)
    yield 'Z12-one-chunk', 'OK', 'everything in one chunk', recut(1 << 22)
    yield 'Z12-cut-3000', 'OK', 'chunks end in headers and in the middle of pieces', recut(3000)
    yield 'Z12-cut-tiny', 'OK', 'chunks of 1, 511, 1 and 2 bytes, then 5000', recut(1, 511, 1, 2, 5000)
    for label, kind, size in (('4MiB', 'OK', 4 * MIB), ('4MiB+1', 'FORMAT', 4 * MIB + 1)):
        zeros = bytes(size)
        yield 'Z17-raw-' + label, kind, 'a chunk of %d raw bytes' % size, build(
            {**without_images(make.spec), 'layers': [zeros], 'stream': zeros, 'recipes': [[(0, size, 0)]], 'data_split': 1 << 30, 'data_cut': 1 << 30}, [make.key])


def mixed(make):
    theirs = build(golden_spec('1.0.1'), [make.key])
    yield 'M16-mixed', 'INTEGRITY', 'the header of one bundle, the chunks of another', make.golden[:65536] + theirs[65536:]


def cases(make):
    for group in (files, header, frames, table, other_cuts, mixed):
        yield from group(make)
