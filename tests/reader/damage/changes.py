"""Small changes, each a function for one stage of build()."""
import copy


def flip(at, bit=0):
    """Flips one bit of a byte string."""
    def change(data):
        data = bytearray(data)
        data[at] ^= 1 << bit
        return bytes(data)
    return change


def replace(old, new, count=1):
    def change(data):
        assert old in data, old
        return data.replace(old, new, count)
    return change


def edit(*path_and_value):
    """Sets one value deep in the manifest; without a value (None) removes the key."""
    *path, key, value = path_and_value

    def change(manifest):
        manifest = at = copy.deepcopy(manifest)
        for step in path:
            at = at[step]
        if value is None:
            del at[key]
        else:
            at[key] = value
        return manifest
    return change


def at_index(k, change):
    """Changes entry k of a list."""
    def run(entries):
        entries = copy.deepcopy(entries)
        entries[k] = change(entries[k])
        return entries
    return run


def checksummed(header):
    header = bytes(header)
    blank = header[:148] + b' ' * 8 + header[156:]
    return blank[:148] + b'%06o\0 ' % sum(blank) + blank[156:]


def in_header(at, value, good_sum=True):
    """Puts bytes into a tar header, with the right checksum unless told otherwise."""
    def change(part):
        name, header, content, fill = part
        header = header[:at] + value + header[at + len(value):]
        return [name, checksummed(header) if good_sum else header, content, fill]
    return change


def swap(i, j):
    def change(entries):
        entries = list(entries)
        entries[i], entries[j] = entries[j], entries[i]
        return entries
    return change
