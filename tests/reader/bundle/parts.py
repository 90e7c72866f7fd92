"""A bundle in parts (docs/FORMAT.md, 13) as one file to read."""
import io
import os

from .base import need


class Parts(io.RawIOBase):
    def __init__(self, path):
        self.files, self.at = [], 0
        while os.path.exists(f'{path}.{len(self.files) + 1:03}'):
            self.files.append(open(f'{path}.{len(self.files) + 1:03}', 'rb'))
        sizes = [os.fstat(f.fileno()).st_size for f in self.files]
        self.part, self.size = max(sizes), sum(sizes)
        for i, size in enumerate(sizes[:-1]):
            need(size == self.part, 'INTEGRITY', f'part {i + 1} has {size} bytes, expected {self.part}')

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, to, whence=os.SEEK_SET):
        self.at = to + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, buffer):
        if self.at >= self.size:
            return 0
        f = self.files[self.at // self.part]
        f.seek(self.at % self.part)
        n = f.readinto(buffer)
        self.at += n
        return n

    def close(self):
        for f in self.files:
            f.close()
        super().close()


def open_bundle(path):
    """The bundle at path, or its parts when there is no file of that name."""
    if not os.path.exists(path) and os.path.exists(path + '.001'):
        return io.BufferedReader(Parts(path))
    return open(path, 'rb')
