#!/usr/bin/env python3
"""Tests of the reader and the writer of this folder: the vectors of docs/FORMAT.md, the golden bundle, and every damaged bundle.

Run with tests/reader/run; one case: python3 tests/reader/test_reader.py -k Z04-flip-table
"""
import contextlib
import io
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

from bundle import layers as layers_module
from bundle import parity
from bundle.base import Refused, sha256, tar_header
from bundle.chunker import GEAR, cuts
from bundle.keys import P25519, SMALL_ORDER_Y, read_key
from bundle.exact import blob_path
from bundle.golden_exact import golden_exact_spec
from bundle.writer import Key, build, counter, golden_spec, pem
from make_bundle import GOLDEN_KEY, SECOND_KEY, write_damage
from read_bundle import main, verify

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, '..', 'golden')
FORMAT_MD = os.path.join(HERE, '..', '..', 'docs', 'FORMAT.md')
BUNDLE, PUB = os.path.join(GOLDEN, 'golden.bundle.tar.zst'), os.path.join(GOLDEN, 'golden.pub')
EXACT = os.path.join(GOLDEN, 'golden-exact.bundle.tar.zst')


def read(path, mode='r'):
    with open(path, mode) as f:
        return f.read()


def rows(name):
    return [line.split('\t') for line in read(os.path.join(GOLDEN, 'vectors', name)).splitlines() if not line.startswith('#')]


def reader(*args):
    """Runs the command line. Returns (status, standard output, standard error)."""
    out, errors, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ['read_bundle.py', *args]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            main()
        status = 0
    except SystemExit as end:
        status = end.code
    finally:
        sys.argv = before
    return status, out.getvalue(), errors.getvalue()


class Vectors(unittest.TestCase):
    def test_the_gear_table_is_the_documented_one(self):
        self.assertIn(sha256(struct.pack('<256Q', *GEAR)), read(FORMAT_MD))

    def test_the_chunker_cuts_where_the_vectors_say(self):
        streams = {'counter': counter, 'zero': bytes, 'ff': lambda n: b'\xff' * n}
        for kind, size, average, count, digest, lengths in rows('chunker.tsv'):
            with self.subTest(kind=kind, size=size, average=average):
                ends = cuts(streams[kind](int(size)), int(average))
                self.assertEqual((len(ends), sha256(struct.pack('<%dQ' % len(ends), *ends))), (int(count), digest))
                self.assertEqual(' '.join(str(b - a) for a, b in zip([0, *ends], ends)), lengths)
                self.assertIn(digest, read(FORMAT_MD))

    def test_tar_headers_are_those_of_the_vectors(self):
        for name, size, x, digest in rows('tar-headers.tsv'):
            with self.subTest(name=name):
                self.assertEqual(sha256(tar_header(name, int(size), x == '1')), digest)
                self.assertIn(digest, read(FORMAT_MD))

    def test_the_hex_dump_in_the_document_is_that_of_the_golden_bundle(self):
        data, dump = read(BUNDLE, 'rb'), re.findall(r'^    ([0-9a-f]{8})  ((?:[0-9a-f]{2} ?){16})', read(FORMAT_MD), re.M)
        self.assertGreater(len(dump), 30)
        for at, line in dump:
            self.assertEqual(data[int(at, 16):int(at, 16) + 16], bytes.fromhex(line), at)

    def test_a_data_header_frame_is_a_zstd_frame_of_522_bytes(self):
        header = tar_header('data/00000.bin', 1)
        frame = bytes.fromhex('28b52ffd600001011000') + header
        done = subprocess.run(['zstd', '-dcq'], input=frame, stdout=subprocess.PIPE, check=True)
        self.assertEqual((len(frame), done.stdout), (522, header))


class GoldenExact(unittest.TestCase):
    """The same release with its layers as blobs."""
    def test_it_is_verified_and_every_blob_inflates(self):
        self.assertEqual(reader('verify', EXACT, '--trust', PUB, '--deep')[0], 0)
        self.assertEqual(verify(EXACT, [read_key(PUB)]).manifest['layers_mode'], 'exact')

    def test_it_extracts_to_an_oci_layout(self):
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(['tar', '--zstd', '-xf', EXACT, '-C', d], check=True)
            for name in os.listdir(os.path.join(d, 'blobs', 'sha256')):
                self.assertEqual(sha256(read(os.path.join(d, 'blobs', 'sha256', name), 'rb')), name)
            index = json.loads(read(os.path.join(d, 'index.json')))
            for entry in index['manifests']:
                self.assertEqual(os.stat(os.path.join(d, blob_path(entry['digest']))).st_size, entry['size'])
            self.assertEqual(json.loads(read(os.path.join(d, 'oci-layout'))), {'imageLayoutVersion': '1.0.0'})

    def test_the_writer_makes_it_again(self):
        with tempfile.NamedTemporaryFile() as f:
            f.write(build(golden_exact_spec(), [Key(*GOLDEN_KEY)]))
            f.flush()
            new, old = verify(f.name, [read_key(PUB)], deep=True).manifest, verify(EXACT, [read_key(PUB)], deep=True).manifest
        self.assertEqual([layer['diff_id'] for layer in new['layers']], [layer['diff_id'] for layer in old['layers']])
        self.assertEqual(len(new['members']), len(old['members']))      # another zlib may compress to other bytes


class Golden(unittest.TestCase):
    def test_verify_says_what_it_is(self):
        self.assertEqual(reader('verify', BUNDLE, '--trust', PUB, '--deep'), (0, read(os.path.join(GOLDEN, 'golden.verify')), ''))

    def test_layers_are_rebuilt(self):
        self.assertEqual(reader('layers', BUNDLE, '--trust', PUB), (0, read(os.path.join(GOLDEN, 'golden.layers')), ''))

    def test_members_are_listed(self):
        self.assertEqual(reader('list', BUNDLE, '--trust', PUB), (0, read(os.path.join(GOLDEN, 'golden.list')), ''))

    def test_tar_zstd_and_openssl_accept_it(self):
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(['zstd', '-tq', BUNDLE], check=True)
            subprocess.run(['tar', '--zstd', '-xf', BUNDLE, '-C', d], check=True)
            signature, = os.listdir(os.path.join(d, 'signatures'))
            subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', PUB, '-rawin', '-in', os.path.join(d, 'bundle.json'),
                            '-sigfile', os.path.join(d, 'signatures', signature)], check=True, stdout=subprocess.DEVNULL)
            for line in read(os.path.join(GOLDEN, 'golden.list')).splitlines():
                mode, size, name = line.split()
                found = os.stat(os.path.join(d, name))
                self.assertEqual((found.st_size, found.st_mode & 0o100), (int(size), 0o100 if mode == '0755' else 0))

    def test_the_writer_makes_it_again(self):
        spec, key = golden_spec(), Key(*GOLDEN_KEY)
        made = build(spec, [key])
        self.assertEqual(made, build(golden_spec(), [key]))
        with tempfile.NamedTemporaryFile() as f:
            f.write(made)
            f.flush()
            new, old = verify(f.name, [read_key(PUB)], deep=True).manifest, verify(BUNDLE, [read_key(PUB)], deep=True).manifest
        for key in ('release', 'members', 'layers', 'header_len'):      # another zstd may compress to other bytes
            self.assertEqual(new[key], old[key])

    def test_it_repeats_little(self):
        spec, m = golden_spec(), verify(BUNDLE, [read_key(PUB)]).manifest
        stored = sum(e['size'] for e in m['members'] if e['name'].startswith('data/'))
        self.assertLess(stored, sum(map(len, spec['layers'])) - 10000)

    def test_any_flipped_bit_of_the_header_is_refused(self):
        data, keys = read(BUNDLE, 'rb'), [read_key(PUB)]
        end = 16 + struct.unpack('<Q', data[5:13])[0]
        picks = random.Random(1)
        with tempfile.NamedTemporaryFile() as f:
            for at in [*range(0, end, 41), *picks.sample(range(end, 65536), 30), *picks.sample(range(65536, len(data)), 60)]:
                bent = bytearray(data)
                bent[at] ^= 1 << picks.randrange(8)
                f.seek(0)
                f.write(bent)
                f.flush()
                with self.subTest(at=at), self.assertRaises(Refused):
                    verify(f.name, keys)


class Parity(unittest.TestCase):
    def setUp(self):
        self.data, self.par = counter(300000), parity.make(counter(300000), bytes(range(32)), 10)
        self.shape = parity.find_shape(self.par)

    def test_it_is_that_of_the_vectors(self):
        for percent in (1, 10, 50):
            self.assertIn(sha256(parity.make(self.data, bytes(range(32)), percent)), read(FORMAT_MD))

    def test_a_burst_in_the_bundle_and_lost_records_are_repaired(self):
        bad, par = bytearray(self.data), bytearray(self.par)
        bad[70000:70000 + 16000] = bytes(16000)
        par[:parity.place(self.shape, 0, 1)] = bytes(parity.place(self.shape, 0, 1))
        self.assertEqual(parity.repair(bytes(bad), bytes(par)), self.data)
        self.assertEqual(parity.repair(self.data[:280000], self.par), self.data)
        self.assertEqual(parity.repair(self.data + b'more', self.par), self.data)

    def test_too_much_damage_and_other_files_are_refused(self):
        for data, par, kind in ((bytes(300000), self.par, 'INTEGRITY'), (self.data, self.data, 'FORMAT'), (self.data[:200000], self.par, 'INTEGRITY')):
            with self.assertRaises(Refused) as refused:
                parity.repair(data, par)
            self.assertEqual(refused.exception.kind, kind)

    def test_the_golden_bundle_comes_back_through_the_command_line(self):
        with tempfile.TemporaryDirectory() as d:
            good = read(BUNDLE, 'rb')
            bad, par, out = (os.path.join(d, name) for name in ('bad', 'par', 'out'))
            with open(par, 'wb') as f:
                f.write(parity.make(good, bytes.fromhex(verify(BUNDLE, [read_key(PUB)]).digest), 25))
            with open(bad, 'wb') as f:
                f.write(bytes(9000) + good[9000:])
            self.assertEqual(reader('parity', BUNDLE, par)[0], 0)
            self.assertEqual(reader('repair', bad, par, out), (0, '', ''))
            self.assertEqual(read(out, 'rb'), good)


class Commands(unittest.TestCase):
    def test_statuses_are_those_of_the_contract(self):
        with tempfile.TemporaryDirectory() as d:
            other = os.path.join(d, 'other.pub')
            with open(other, 'wb') as f:
                f.write(Key(*SECOND_KEY).public)
            self.assertEqual(reader('verify', PUB, '--trust', PUB)[0], 10)
            self.assertEqual(reader('verify', BUNDLE, '--trust', other)[0], 11)
            self.assertEqual(reader('verify', BUNDLE, '--trust', BUNDLE)[0], 3)
            self.assertEqual(reader('verify', os.path.join(d, 'none'), '--trust', PUB)[0], 60)
            self.assertEqual(reader('verify', BUNDLE)[0], 2)
            self.assertEqual(reader('verify', BUNDLE, '--trust', other, '--trust', PUB)[0], 0)

    def test_cat_gives_the_bytes_of_a_member(self):
        run = [sys.executable, os.path.join(HERE, 'read_bundle.py'), 'cat', BUNDLE, '--trust', PUB]
        done = subprocess.run([*run, 'app/compose.yaml'], stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, dict((n, c) for n, c, _ in golden_spec()['members'])['app/compose.yaml'])
        stream = b''.join(subprocess.run([*run, 'data/%05d.bin' % i], stdout=subprocess.PIPE, check=True).stdout for i in range(4))
        self.assertTrue(stream.startswith(golden_spec()['layers'][0][:1024]))

    def test_cut_prints_the_ends_of_pieces(self):
        with tempfile.NamedTemporaryFile() as f:
            f.write(counter(32769))
            f.flush()
            out = reader('cut', f.name, '--average', '4096')[1]
        self.assertEqual(list(map(int, out.split())), cuts(counter(32769), 4096))


class Keys(unittest.TestCase):
    def refused(self, content):
        with tempfile.NamedTemporaryFile() as f:
            f.write(content)
            f.flush()
            with self.assertRaises(Refused) as caught:
                read_key(f.name)
        self.assertEqual(caught.exception.kind, 'CONFIG')

    def test_one_public_key_and_nothing_else_is_a_key_file(self):
        good, private = Key(*GOLDEN_KEY).public, Key(*GOLDEN_KEY).private
        openssl = ['openssl', 'genpkey', '-outform', 'PEM', '-algorithm']
        x25519 = subprocess.run([*openssl, 'X25519'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        pub = subprocess.run(['openssl', 'pkey', '-pubout'], input=x25519, stdout=subprocess.PIPE).stdout
        for content in (b'', private, good + good, good + b'x', b'x' + good, good.replace(b'PUBLIC', b'RSA PUBLIC'), good.replace(b'MCow', b'MCpw'), pub,
                        bytes(1 << 20), good[:40], good.replace(b'M', b'*', 1)):
            with self.subTest(content=content[:60]):
                self.refused(content)

    def test_points_of_small_order_are_no_keys(self):
        for y in SMALL_ORDER_Y:
            for encoded in {y, y + P25519 if y < 19 else y, y | 1 << 255}:
                self.refused(pem('PUBLIC KEY', bytes.fromhex('302a300506032b6570032100') + encoded.to_bytes(32, 'little')))

    def test_the_list_of_small_order_points_is_complete_and_right(self):
        p, d = P25519, -121665 * pow(121666, -1, P25519) % P25519

        def double(point):
            x, y = point
            k = d * x * x * y * y
            return 2 * x * y * pow(1 + k, -1, p) % p, (y * y + x * x) * pow(1 - k, -1, p) % p

        def x_of(y):
            square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
            root = pow(square, (p + 3) // 8, p)
            return root if root * root % p == square else root * pow(2, (p - 1) // 4, p) % p
        for y in SMALL_ORDER_Y:
            point = (x_of(y), y)
            self.assertEqual(double(double(double(point))), (0, 1))
        self.assertEqual(len(SMALL_ORDER_Y), 5)         # 8 points, y shared by x and -x: orders 1, 2, 4, 4, 8, 8, 8, 8


class Window(unittest.TestCase):
    def test_the_rule_is_what_the_text_says_for_every_position(self):
        """check_window looks at the starts of runs only; here the sentence of the document is taken at its word."""
        before, pick = (layers_module.WINDOW_BYTES, layers_module.WINDOW_CHUNKS), random.Random(2)
        layers_module.WINDOW_BYTES, layers_module.WINDOW_CHUNKS = 30, 3
        seen = set()
        try:
            for _ in range(400):
                borders = sorted(pick.sample(range(1, 100), 12))
                runs = [(b, k) for k, b in enumerate([0, *borders])] + [(100, None)]
                extents, chunk_of = [], []
                for _ in range(pick.randrange(1, 7)):
                    offset, length = pick.randrange(90), pick.randrange(1, 25)
                    extents.append((0, min(length, 100 - offset), offset))
                    chunk_of += [max(k for b, k in runs[:-1] if b <= o) for o in range(offset, offset + extents[-1][1])]
                allowed = all(len(set(chunk_of[p:p + 30])) <= 3 for p in range(len(chunk_of)))
                seen.add(allowed)
                with contextlib.nullcontext() if allowed else self.assertRaises(Refused):
                    layers_module.check_window(extents, runs, 0)
        finally:
            layers_module.WINDOW_BYTES, layers_module.WINDOW_CHUNKS = before
        self.assertEqual(seen, {True, False})


class Damaged(unittest.TestCase):
    """One test for each line of expected.tsv."""
    directory = None

    def __init__(self, name, kind, note):
        super().__init__('refuses')
        self.name, self.kind, self.note = name, kind, note

    def id(self):
        return 'Damaged.' + self.name

    def refuses(self):
        keys = [read_key(os.path.join(self.directory, name)) for name in ('golden.pub', 'second.pub')]
        try:
            verify(os.path.join(self.directory, self.name + '.bundle.tar.zst'), keys, deep=True)
            found = 'OK'
        except Refused as why:
            found = why.kind
        self.assertEqual(found, self.kind, self.note)


def load_tests(loader, tests, pattern):
    """With -k only what is asked for; the damaged bundles are made once."""
    Damaged.directory = tempfile.mkdtemp()
    write_damage(Damaged.directory)
    for line in read(os.path.join(Damaged.directory, 'expected.tsv')).splitlines():
        case = Damaged(*line.split('\t'))
        if not loader.testNamePatterns or any(part.strip('*') in case.id() for part in loader.testNamePatterns):
            tests.addTest(case)
    unittest.addModuleCleanup(shutil.rmtree, Damaged.directory)
    return tests


if __name__ == '__main__':
    program = unittest.main(exit=False, verbosity=0)
    result = program.result
    bad = len({getattr(test, 'test_case', test).id() for test, _ in result.failures + result.errors})
    print('%d passed, %d failed' % (result.testsRun - bad, bad))
    sys.exit(bad != 0)
