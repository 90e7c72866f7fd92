"""The parity file (docs/FORMAT.md, 12): made anew from a bundle, and used to repair one. Slow, and short."""
import collections
import hashlib
import struct

from .base import Refused, need, round_up

MAGIC, UNIT, HEAD, HASH = b'ARCHPAR1', 512, 128, 8
Shape = collections.namedtuple('Shape', 'total block rows k m bundle')


def times(a, b):
    product = 0
    for bit in range(8):
        product ^= (a << bit) * (b >> bit & 1)
    for bit in range(14, 7, -1):
        product ^= (0x11D << bit - 8) * (product >> bit & 1)
    return product


TIMES = [bytes(times(a, b) for b in range(256)) for a in range(256)]
INVERSE = [0] + [row.index(1) for row in TIMES[1:]]


def coefficient(s, j, c):
    return INVERSE[(s.k + j) ^ c]


def scaled(block, factor):
    """Each byte times a number, as one large number: adding is xor."""
    return int.from_bytes(block.translate(TIMES[factor]), 'little')


def ceil(a, b):
    return -(-a // b)


def shape_for(total, bundle, percent):
    """12.1: what our writer chooses."""
    block = 4096
    while block < 32768 and ceil(total, block) > 1024:
        block *= 2
    while block < 4 << 20 and ceil(total, block) > 1032192:
        block *= 2
    most = max(k for k in range(1, 241) if k + ceil(k * percent, 100 - percent) <= 255)
    rows = ceil(ceil(total, block), most)
    k = ceil(ceil(total, block), rows)
    return Shape(total, block, rows, k, ceil(k * percent, 100 - percent), bundle)


def short(block):
    return hashlib.sha256(block).digest()[:HASH]


def head_len(s):
    return round_up(HEAD + HASH * s.k, UNIT)


def place(s, row, j):
    return (j * s.rows + row) * (head_len(s) + s.block)


def record(s, row, j, hashes, block):
    head = MAGIC + struct.pack('<QIIIIII', s.total, s.block, s.rows, s.k, s.m, row, j) + short(block) + s.bundle + bytes(16)
    rest = b''.join(hashes).ljust(head_len(s) - HEAD, b'\0')
    return head + hashlib.sha256(head + rest).digest() + rest + block


def data_row(s, data, row):
    at = [(c * s.rows + row) * s.block for c in range(s.k)]
    return [data[i:i + s.block].ljust(s.block, b'\0') for i in at]


def make(data, bundle, percent):
    """12.2 and 12.3: the whole parity file."""
    s = shape_for(len(data), bundle, percent)
    out = [b''] * (s.rows * s.m)
    for row in range(s.rows):
        blocks = data_row(s, data, row)
        hashes = [short(b) for b in blocks]
        for j in range(s.m):
            total = 0
            for c, block in enumerate(blocks):
                total ^= scaled(block, coefficient(s, j, c))
            out[j * s.rows + row] = record(s, row, j, hashes, total.to_bytes(s.block, 'little'))
    return b''.join(out)


def parse(raw):
    """A head at the beginning of raw: its shape, row, slice, hash and hashes; or None."""
    if len(raw) < HEAD or raw[:8] != MAGIC:
        return None
    total, block, rows, k, m, row, j = struct.unpack_from('<QIIIIII', raw, 8)
    s = Shape(total, block, rows, k, m, raw[48:80])
    if not (4096 <= block <= 4 << 20 and block & block - 1 == 0 and 1 <= k <= 240 and 1 <= m <= 255 - k and rows >= 1 and k * rows <= 1 << 20
            and (k + m) * rows <= 5 << 19 and (k - 1) * rows * block < total <= k * rows * block and row < rows and j < m and len(raw) >= head_len(s)):
        return None
    end = HEAD + HASH * k
    if any(raw[80:96]) or any(raw[end:head_len(s)]) or hashlib.sha256(raw[:96] + raw[HEAD:head_len(s)]).digest() != raw[96:128]:
        return None
    return s, row, j, raw[40:48], [raw[i:i + HASH] for i in range(HEAD, end, HASH)]


def find_shape(par):
    for at in range(0, len(par), UNIT):
        found = parse(par[at:at + HEAD + HASH * 240 + UNIT])
        if found and place(found[0], found[1], found[2]) == at:
            return found[0]
    raise Refused('FORMAT', 'not a parity file')


def row_of(s, par, row):
    """The hashes of a row, those that most heads have, and its parity blocks that are right: {j: block}."""
    heads = {}
    for j in range(s.m):
        at = place(s, row, j)
        found = parse(par[at:at + head_len(s)])
        if found and found[0] == s and found[1:3] == (row, j):
            heads[j] = found
    if not heads:
        return None, {}
    votes = collections.Counter(tuple(h[4]) for h in heads.values())
    hashes = votes.most_common(1)[0][0]
    blocks = {j: par[place(s, row, j) + head_len(s):][:s.block] for j, h in heads.items() if tuple(h[4]) == hashes}
    return hashes, {j: b for j, b in blocks.items() if len(b) == s.block and short(b) == heads[j][3]}


def solve(s, blocks, lost, parity):
    """Gauss, over the lost blocks of a row; parity: as many {j: block}."""
    rows = []
    for j, block in parity.items():
        right = int.from_bytes(block, 'little')
        for c, known in enumerate(blocks):
            if c not in lost:
                right ^= scaled(known, coefficient(s, j, c))
        rows.append(([coefficient(s, j, c) for c in lost], right.to_bytes(s.block, 'little')))
    for i in range(len(lost)):
        pivot = next(r for r in range(i, len(rows)) if rows[r][0][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        left, right = rows[i]
        one = TIMES[INVERSE[left[i]]]
        rows[i] = left, right = bytes(left).translate(one), right.translate(one)
        for r, (other, value) in enumerate(rows):
            factor = other[i] if r != i else 0
            if factor:
                rows[r] = ([a ^ times(factor, b) for a, b in zip(other, left)],
                           (int.from_bytes(value, 'little') ^ scaled(right, factor)).to_bytes(s.block, 'little'))
    return {c: rows[i][1] for i, c in enumerate(lost)}


def repair(data, par):
    """The bundle as it was, or Refused."""
    s = find_shape(par)
    out = bytearray(s.k * s.rows * s.block)
    for row in range(s.rows):
        hashes, parity = row_of(s, par, row)
        blocks = data_row(s, data[:s.total], row)
        lost = [c for c in range(s.k) if hashes and short(blocks[c]) != hashes[c]]
        need(len(lost) <= len(parity), 'INTEGRITY', 'row %d: %d blocks are damaged, %d of parity are left' % (row, len(lost), len(parity)))
        for c, block in solve(s, blocks, lost, dict(list(parity.items())[:len(lost)])).items():
            need(short(block) == hashes[c], 'INTEGRITY', 'row %d: parity gives something else' % row)
            blocks[c] = block
        for c, block in enumerate(blocks):
            at = (c * s.rows + row) * s.block
            out[at:at + s.block] = block
    return bytes(out[:s.total])
