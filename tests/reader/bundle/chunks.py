"""The chunk table, the padding, chunk frames and the tar stream in them (docs/FORMAT.md, 1.2 to 1.5), with the program zstd."""
import hashlib
import struct
import subprocess

from .base import KIB, MAX_CHUNK, MAX_FRAME, MIB, Refused, need, sha256, tar_header


def parse_table(table, m):
    """Returns [(compressed length, raw length, SHA-256)]."""
    need(sha256(table) == m['chunks']['sha256'], 'INTEGRITY', 'chunks.bin: SHA-256 differs from the signed one')
    need(len(table) == 40 * m['chunks']['count'], 'FORMAT', 'chunks.bin: %d bytes for %d chunks' % (len(table), m['chunks']['count']))
    entries = list(struct.iter_unpack('<II32s', table))
    for k, (packed, raw, _) in enumerate(entries):
        need(1 <= packed <= MAX_FRAME and 1 <= raw <= MAX_CHUNK, 'FORMAT', 'chunk table: lengths of chunk %d' % k)
    need(m['header_len'] + sum(e[0] for e in entries) == m['total_len'], 'FORMAT', 'chunk table: compressed lengths do not make total_len')
    need(sum(e[1] for e in entries) == m['chunks']['raw_len'], 'FORMAT', 'chunk table: raw lengths do not make raw_len')
    return entries


def check_padding(f, end, m):
    size = m['header_len'] - end - 8
    need(size >= 0, 'FORMAT', 'header ends at %d, beyond header_len - 8' % end)
    found, expected = f.read(8 + size), b'\x50\x2a\x4d\x18' + struct.pack('<I', max(size, 0)) + bytes(max(size, 0))
    need(found == expected[:len(found)], 'FORMAT', 'header padding')
    need(len(found) == len(expected), 'INTEGRITY', 'file ends at %d, expected %d' % (f.tell(), m['total_len']))


def check_frame(frame, raw, k):
    """The form of one zstd frame, whose SHA-256 was right (1.4)."""
    where = 'chunk %d: ' % k
    need(len(frame) >= 5 and frame[:4] == b'\x28\xb5\x2f\xfd', 'FORMAT', where + 'not a zstd frame')
    flags = frame[4]
    single, fcs_flag, checksum = flags >> 5 & 1, flags >> 6, flags >> 2 & 1
    need(flags & 0x1b == 0, 'FORMAT', where + 'dictionary id or reserved bits in the frame header')
    is_data_header = frame[:10] == bytes.fromhex('28b52ffd600001011000') and len(frame) == 522
    need(checksum or is_data_header, 'FORMAT', where + 'frame has no checksum')
    need(single or fcs_flag, 'FORMAT', where + 'frame has no content size')
    fcs_bytes = (1, 2, 4, 8)[fcs_flag]
    at = 6 - single + fcs_bytes
    need(len(frame) >= at, 'FORMAT', where + 'frame ends in its header')
    size = int.from_bytes(frame[at - fcs_bytes:at], 'little') + (256 if fcs_bytes == 2 else 0)
    base = 1 << 10 + (frame[5] >> 3)
    window = size if single else base + base // 8 * (frame[5] & 7)
    need(window <= 4 * MIB or single, 'FORMAT', where + 'window of %d bytes' % window)
    last = False
    while not last:
        need(len(frame) >= at + 3, 'FORMAT', where + 'frame is truncated')
        head = int.from_bytes(frame[at:at + 3], 'little')
        last, kind, length = head & 1, head >> 1 & 3, head >> 3
        need(kind != 3 and length <= min(window, 128 * KIB), 'FORMAT', where + 'block type or length')
        at += 3 + (1 if kind == 1 else length)
    need(at + 4 * checksum == len(frame), 'FORMAT', where + 'frame has %d bytes, the chunk %d' % (at + 4 * checksum, len(frame)))
    need(size == raw, 'INTEGRITY', where + '%d raw bytes, signed %d' % (size, raw))


def unpack(batch):
    """Decompresses consecutive frames that passed check_frame with one zstd; yields the raw bytes of each."""
    if not batch:
        return
    done = subprocess.run(['zstd', '-dcq'], input=b''.join(frame for frame, _, _ in batch), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    where = 'chunks %d to %d: ' % (batch[0][2], batch[-1][2])
    need(done.returncode == 0, 'FORMAT', where + 'do not decompress')
    need(len(done.stdout) == sum(raw for _, raw, _ in batch), 'INTEGRITY', where + 'raw length')
    at = 0
    for _, raw, _ in batch:
        yield done.stdout[at:at + raw]
        at += raw


def raw_chunks(f, table, m):
    batch = []
    for k, (packed, raw, digest) in enumerate(table):
        try:
            at, frame = f.tell(), f.read(packed)
            need(len(frame) == packed, 'INTEGRITY', 'file ends at %d, expected %d' % (f.tell(), m['total_len']))
            need(hashlib.sha256(frame).digest() == digest, 'INTEGRITY', 'chunk %d of %d, offset %d, is damaged' % (k, len(table), at))
            check_frame(frame, raw, k)
        except Refused:
            yield from unpack(batch)     # what is wrong earlier is said first
            raise
        batch.append((frame, raw, k))
        if len(batch) == 64 or sum(r for _, r, _ in batch) >= 32 * MIB:
            yield from unpack(batch)
            batch = []
    yield from unpack(batch)
    need(not f.read(1), 'INTEGRITY', 'data after the end at %d' % m['total_len'])


def walk_members(chunks, members, sinks):
    """Compares every raw byte that is not content, and content with its SHA-256. sinks(name) gives files for the content."""
    left = b''

    def take(n):                                     # yields n bytes of the raw stream in pieces
        nonlocal left
        while n:
            left = left or next(chunks)              # lengths were added up: the stream cannot end here
            piece, left = left[:n], left[n:]
            n -= len(piece)
            yield piece

    for m in members:
        need(b''.join(take(512)) == tar_header(m['name'], m['size'], 'x' in m), 'FORMAT', '%s: tar header differs' % m['name'])
        digest, files = hashlib.sha256(), sinks(m['name'])
        for piece in take(m['size']):
            digest.update(piece)
            for file in files:
                file.write(piece)
        need('sha256' not in m or digest.hexdigest() == m['sha256'], 'INTEGRITY', '%s: SHA-256 differs' % m['name'])
        need(not any(b''.join(take(-m['size'] % 512))), 'FORMAT', '%s: fill bytes are not zero' % m['name'])
    need(not any(b''.join(take(1024))), 'FORMAT', 'end mark is not zero')
    need(next(chunks, None) is None and not left, 'FORMAT', 'data after the end mark')
