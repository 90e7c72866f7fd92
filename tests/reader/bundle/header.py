"""The header frame and its members (docs/FORMAT.md, 1.1 and 1.2). Nothing here is authenticated yet."""
import re
import struct

from .base import KIB, MAX_HEADER, MIB, need, round_up, tar_header


def read_header_frame(f):
    """Returns the content of the header frame and the offset of its end."""
    def take(n, what):
        data = f.read(n)
        need(len(data) == n, 'FORMAT', 'not an archon bundle: the file ends in %s' % what)
        return data
    need(take(4, 'the magic') == b'\x28\xb5\x2f\xfd', 'FORMAT', 'not an archon bundle: expected zstd')
    need(take(1, 'the header frame') == b'\xe0', 'FORMAT', 'header frame is not canonical')
    total, = struct.unpack('<Q', take(8, 'the header frame'))
    need(total % 512 == 0 and 512 <= total <= MAX_HEADER, 'FORMAT', 'header frame holds %d bytes' % total)
    content = bytearray()
    while len(content) < total:
        size = min(128 * KIB, total - len(content))
        expected = (size << 3 | (len(content) + size == total)).to_bytes(3, 'little')
        need(take(3, 'a block') == expected, 'FORMAT', 'header frame: block at %d is not canonical' % len(content))
        content += take(size, 'a block')
    return bytes(content), f.tell()


def header_members(content):
    """Returns bundle.json, chunks.bin and {name: bytes} of signatures. Nothing here is authenticated yet."""
    at, kinds = 0, {'sig': [], 'p7s': []}

    def member(name, least, most):
        nonlocal at
        head, digits = content[at:at + 512], content[at + 124:at + 135]
        need(re.fullmatch(rb'[0-7]{11}', digits), 'FORMAT', 'header: no size at offset %d, expected %s' % (at, name))
        size = int(digits, 8)
        need(head == tar_header(name, size), 'FORMAT', 'header: tar header at offset %d is not that of %s' % (at, name))
        need(least <= size <= most, 'FORMAT', '%s has %d bytes, limit %d' % (name, size, most))
        start, at = at + 512, at + 512 + round_up(size, 512)
        need(at <= len(content), 'FORMAT', '%s ends beyond the header' % name)
        need(not any(content[start + size:at]), 'FORMAT', '%s: fill bytes are not zero' % name)
        return content[start:start + size]

    manifest, table = member('bundle.json', 1, 4 * MIB), member('chunks.bin', 40, 40000000)
    need(len(table) % 40 == 0, 'FORMAT', 'chunks.bin has %d bytes' % len(table))
    signatures = {}
    while at < len(content):
        found = content[at:at + 100].rstrip(b'\0')
        form = re.fullmatch(rb'signatures/(?:[0-9a-f]{16}\.(sig)|[0-3]\.(p7s))', found)
        need(form, 'FORMAT', 'header: expected a signature at offset %d, found %r' % (at, found[:40]))
        name, kind = found.decode(), (form[1] or form[2]).decode()
        need(not kinds[kind] or kinds[kind][-1] < name, 'FORMAT', 'header: %s is out of order' % name)
        need(kind == 'p7s' or not kinds['p7s'], 'FORMAT', 'header: %s is out of order' % name)
        need(len(kinds[kind]) < {'sig': 16, 'p7s': 4}[kind], 'FORMAT', 'header: more than 16 signatures')
        kinds[kind].append(name)
        signatures[name] = member(name, *{'sig': (0, 128), 'p7s': (1, 16 * KIB)}[kind])
    return manifest, table, signatures
