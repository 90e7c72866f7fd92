"""Where a layer is cut into pieces (docs/FORMAT.md, 3.3)."""
import hashlib


GEAR = [int.from_bytes(hashlib.sha256(b'archon-gear-v1:%d' % i).digest()[:8], 'little') for i in range(256)]


def next_cut(d, s, average):
    if len(d) - s <= average // 4:
        return len(d)
    end, h, first, shift = min(len(d), s + 8 * average), 0, s + average // 4, 64 - (average.bit_length() - 1)
    for p in range(first - 64, end):
        if p >= first and h >> shift == 0:
            return p
        h = (2 * h + GEAR[d[p]]) & (2**64 - 1)
    return end


def cuts(d, average):
    """The ends of all pieces."""
    ends = []
    while (ends[-1] if ends else 0) < len(d):
        ends.append(next_cut(d, ends[-1] if ends else 0, average))
    return ends
