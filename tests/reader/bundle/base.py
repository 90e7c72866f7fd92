"""What every part needs: refusals with their class, numbers, the canonical tar header (docs/FORMAT.md, 2)."""
import hashlib

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MAX_HEADER = 44367872
MAX_CHUNK, MAX_FRAME = 4 * MIB, 4 * MIB + 64 * KIB
WINDOW_BYTES, WINDOW_CHUNKS = 16 * MIB, 64
STATUS = {'CONFIG': 3, 'FORMAT': 10, 'TRUST': 11, 'POLICY': 12, 'INTEGRITY': 13, 'IO': 60}


class Refused(Exception):
    def __init__(self, kind, fact):
        super().__init__(fact)
        self.kind = kind


def need(condition, kind, fact):
    if not condition:
        raise Refused(kind, fact)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def round_up(n, to):
    return -(-n // to) * to


def tar_header(name, size, x=False):
    head = (name.encode().ljust(100, b'\0') + (b'0000755\0' if x else b'0000644\0') + b'0000000\0' * 2 + b'%011o\0' % size
            + b'0' * 11 + b'\0' + b' ' * 8 + b'0' + bytes(100) + b'ustar\0' + b'00' + bytes(64) + b'0000000\0' * 2 + bytes(167))
    return head[:148] + b'%06o\0 ' % sum(head) + head[156:]
