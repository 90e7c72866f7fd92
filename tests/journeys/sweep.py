#!/usr/bin/env python3
"""sweep.py BUNDLE short|all -- COMMAND...: a bundle damaged in one place at a time, and what a program says about each (rows Z03 and Z04).

  flipped   one bit: of the header's content, of its padding, of chunks
  cut       at a length: in the header, at chunk borders and beside them, anywhere

short: one bit of each fourth byte of the header, each 16th length of it, some hundred others (unit.header does every byte). all: every bit and every length of the header, every
border, 10 000 bits of padding and chunks, 200 lengths: tens of thousands of runs. The same damage each time.
COMMAND, in which {} is the damaged file, must end with 10 (format), 11 (trust) or 13 (integrity), and say one line; of a damaged chunk
with its number and offset, of a missing end with where the file ends.
Prints "N passed, N failed" and the first that failed.
"""
import bisect
import concurrent.futures
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

REFUSALS = FORMAT, TRUST, INTEGRITY = 10, 11, 13


class Bundle:
    """Where its parts lie."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            data = f.read()
        self.path, self.size = path, len(data)
        at, last, content = 13, 0, b''
        while not last:
            block = int.from_bytes(data[at:at + 3], 'little')
            content += data[at + 3:at + 3 + (block >> 3)]
            at, last = at + 3 + (block >> 3), block & 1
        self.header_end = at
        self.chunks_at = at + 8 + struct.unpack('<I', data[at + 4:at + 8])[0]
        table = content.index(b'chunks.bin\0')
        n = int(content[table + 124:table + 135], 8)
        self.borders = [self.chunks_at]
        for (packed,) in struct.iter_unpack('<I36x', content[table + 512:table + 512 + n]):
            self.borders.append(self.borders[-1] + packed)
        assert self.borders[-1] == self.size

    def chunk_of(self, position):
        """(number, offset) of the chunk that holds it; none in the header."""
        k = bisect.bisect_right(self.borders, position) - 1
        return None if k < 0 else (k, self.borders[k])


class Flip:
    def __init__(self, bundle, position, bit):
        self.position, self.bit, self.chunk = position, bit, bundle.chunk_of(position)

    def __str__(self):
        return 'byte %d bit %d' % (self.position, self.bit)

    def do(self, fd):
        self.byte = os.pread(fd, 1, self.position)
        os.pwrite(fd, bytes([self.byte[0] ^ 1 << self.bit]), self.position)

    def undo(self, fd):
        os.pwrite(fd, self.byte, self.position)

    def wrong(self, status, said):
        if self.chunk and not (status == INTEGRITY and re.search(r'\bchunk %d of \d+ at offset %d\b' % self.chunk, said)):
            return 'chunk %d at offset %d is not named' % self.chunk
        return None


class Cut:
    def __init__(self, bundle, length):
        self.length, self.chunks_at = length, bundle.chunks_at

    def __str__(self):
        return 'cut at %d' % self.length

    def do(self, fd):
        self.rest = os.pread(fd, os.fstat(fd).st_size - self.length, self.length)
        os.ftruncate(fd, self.length)

    def undo(self, fd):
        os.pwrite(fd, self.rest, self.length)

    def wrong(self, status, said):
        if self.length >= self.chunks_at and not (status == INTEGRITY and re.search(r'\b%d\b' % self.length, said)):
            return 'the end of the file is not named'
        return None


def damages(bundle, everything):
    rng, header, lengths = random.Random(20), bundle.header_end, set()
    for position in range(0, header, 1 if everything else 4):
        yield from (Flip(bundle, position, bit) for bit in (range(8) if everything else [rng.randrange(8)]))
    for _ in range(10000 if everything else 300):
        yield Flip(bundle, rng.randrange(header, bundle.size), rng.randrange(8))
    lengths.update(range(0, header, 1 if everything else 16), (rng.randrange(bundle.size) for _ in range(200 if everything else 20)))
    for border in [header, *bundle.borders]:
        lengths.update((border - 1, border, border + 1))
    yield from (Cut(bundle, length) for length in sorted(lengths) if length < bundle.size)


def complaints(path, damage, command):
    """Does each damage to a copy of its own and puts it right again."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, 'damaged.bundle.tar.zst')
        shutil.copyfile(path, copy)
        words = [word.replace('{}', copy) for word in command]
        with open(copy, 'r+b', buffering=0) as file:
            for one in damage:
                one.do(file.fileno())
                answer = subprocess.run(words, capture_output=True, text=True)
                one.undo(file.fileno())
                said = [line for line in answer.stderr.splitlines() if line.startswith('archon-')]
                why = 'no refusal in one line' if answer.returncode not in REFUSALS or len(said) != 1 else one.wrong(answer.returncode, said[0])
                if why:
                    wrong.append('%s: %s: status %d: %s' % (one, why, answer.returncode, answer.stderr.strip()))
        with open(path, 'rb') as good, open(copy, 'rb') as again:
            assert good.read() == again.read()
    return wrong


def main():
    path, share, command = sys.argv[1], sys.argv[2], sys.argv[4:]
    damage = list(damages(Bundle(path), {'all': True, 'short': False}[share]))
    workers = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        wrong = sum(pool.map(lambda i: complaints(path, damage[i::workers], command), range(workers)), [])
    print('\n'.join(wrong[:20]))
    print('%d passed, %d failed' % (len(damage) - len(wrong), len(wrong)))
    sys.exit(bool(wrong))


main()
