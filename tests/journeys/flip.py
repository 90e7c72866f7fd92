#!/usr/bin/env python3
"""flip.py BUNDLE RANDOM -- COMMAND...: one flipped bit at a time, and what a program says about it.

Every byte of the header's content, and RANDOM bytes of padding and chunks, are damaged in a copy of BUNDLE (one bit each, chosen by a
fixed seed). COMMAND, in which {} is the damaged file, must end with 10 (format), 11 (trust) or 13 (integrity), and say one line.
Prints how many were refused; names those that were not and fails.
"""
import concurrent.futures
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

REFUSALS = (10, 11, 13)


def header_content_end(path):
    """The end of the first frame: magic, descriptor, content size, stored blocks."""
    with open(path, 'rb') as file:
        file.seek(13)
        while True:
            block = int.from_bytes(file.read(3), 'little')
            file.seek(block >> 3, os.SEEK_CUR)
            if block & 1:
                return file.tell()


def check(path, positions, command):
    """Flips each position in its own copy of path and puts it right again."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, 'flipped.bundle.tar.zst')
        shutil.copyfile(path, copy)
        with open(copy, 'r+b', buffering=0) as file:
            for position, bit in positions:
                byte = os.pread(file.fileno(), 1, position)
                os.pwrite(file.fileno(), bytes([byte[0] ^ 1 << bit]), position)
                answer = subprocess.run([word.replace('{}', copy) for word in command], capture_output=True, text=True)
                os.pwrite(file.fileno(), byte, position)
                lines = [line for line in answer.stderr.splitlines() if line.startswith('archon-')]
                if answer.returncode not in REFUSALS or len(lines) != 1:
                    wrong.append('byte %d bit %d: status %d: %s' % (position, bit, answer.returncode, answer.stderr.strip()))
    return wrong


def main():
    path, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[4:]
    rng = random.Random(20)
    header, size = header_content_end(path), os.path.getsize(path)
    positions = [*range(header), *(rng.randrange(header, size) for _ in range(count))]
    positions = [(position, rng.randrange(8)) for position in positions]
    parts = [positions[i::os.cpu_count()] for i in range(os.cpu_count())]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        wrong = sum(pool.map(lambda part: check(path, part, command), parts), [])
    print('%d of %d refused' % (len(positions) - len(wrong), len(positions)))
    print('\n'.join(wrong[:20]))
    sys.exit(bool(wrong))


main()
