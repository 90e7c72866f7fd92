"""Row S: signatures."""
from bundle.writer import Key

from .changes import flip, replace


def cases(make):
    key, second, other = make.key, make.second, make.other

    def signed(*entries):
        """entries: names with contents; a Key signs the document of this bundle."""
        document = []

        def signatures(_):
            return [[e.name, e.sign(document[0])] if isinstance(e, Key) else list(e) for e in entries]
        return make(document=lambda d: document.append(d) or d, signatures=signatures)

    def bent(change):
        return make(signatures=lambda s: [[s[0][0], change(s[0][1])]])
    def bent_second():
        document = []
        return make(document=lambda d: document.append(d) or d, signatures=lambda s: [[second.name, flip(20)(second.sign(document[0]))]])

    junk = [('signatures/%016x.sig' % i, b'x' * 64) for i in range(17)]
    yield 'S01-none', 'TRUST', 'not signed', signed()
    yield 'S01-cms-alone', 'TRUST', 'a CMS file only', signed(('signatures/0.p7s', b'\x30\x00'))
    yield 'S02-unknown', 'TRUST', 'signed by a key that nobody trusts', signed(other)
    yield 'S02-other-name', 'OK', 'the right signature under the name of an unknown key: the name is a hint', make(
        signatures=lambda s: [['signatures/0123456789abcdef.sig', s[0][1]]])
    yield 'S02-other-known-name', 'TRUST', 'the right signature under the name of the other trusted key', make(signatures=lambda s: [[second.name, s[0][1]]])
    yield 'S02-twice-under-two-names', 'OK', 'one key, counted once', make(signatures=lambda s: sorted([s[0], ['signatures/0123456789abcdef.sig', s[0][1]]]))
    yield 'S02-unknown-and-good', 'OK', 'an unknown key is a note', signed(*sorted([other, key], key=lambda k: k.name))
    yield 'S02-second', 'OK', 'signed by the other trusted key, ECDSA P-256', signed(second)
    yield 'S02-both', 'OK', 'signed by both', signed(*sorted([second, key], key=lambda k: k.name))
    for bit in (0, 100, 255, 256, 400, 511):
        yield 'S03-bit-%d' % bit, 'TRUST', 'one bit of the signature', bent(flip(bit // 8, bit % 8))
    for label, change in (('0', lambda s: b''), ('63', lambda s: s[:63]), ('65', lambda s: s + b'\0'), ('128', lambda s: s + s), ('zeros', lambda s: bytes(64))):
        yield 'S03-length-' + label, 'TRUST', 'a signature of another length', bent(change)
    yield 'S03-length-129', 'FORMAT', 'longer than any signature', bent(lambda s: s + bytes(65))
    yield 'S03-length-4096', 'FORMAT', 'longer than any signature', bent(lambda s: s * 64)
    yield 'S03-malleable', 'TRUST', 'S + L', bent(malleable)
    yield 'S03-second-bit', 'TRUST', 'one bit of the ECDSA signature', bent_second()
    for label, change in (('digit', replace(b'1.0.0', b'1.0.1')), ('space', lambda d: d[:-1] + b' \n'), ('newline', lambda d: d + b'\n'),
                          ('name', replace(b'golden', b'goldem')), ('last', lambda d: d[:-1])):
        yield 'S05-manifest-' + label, 'TRUST', 'manifest changed after signing', make(sent=change)
    yield 'S06-replay', 'TRUST', 'the signature of another manifest', make(signatures=lambda s: [[key.name, key.sign(b'{"archon_bundle":1,"x":1}\n')]])
    for kind in ('trust', 'receipt'):
        yield 'S07-%s-document' % kind, 'TRUST', 'a signed document of another kind', make(
            document=lambda d, k=kind: b'{"archon_%s":1,' % k.encode() + d[19:])
    yield 'S07-trust-unsigned', 'TRUST', 'another kind and a wrong signature', make(sent=lambda d: b'{"archon_trust":1,' + d[19:])
    yield 'S09-bad-and-good', 'TRUST', 'one trusted key verifies, the other does not', make(
        signatures=lambda s: sorted([s[0], [second.name, b'\x30\x06\x02\x01\x01\x02\x01\x01']]))
    yield 'S09-bad-and-unknown', 'TRUST', 'a bad signature, an unknown key', signed(*sorted(
        [('signatures/' + key.id[:16] + '.sig', bytes(64)), (other.name, bytes(64))]))
    yield 'S15-16-signatures', 'OK', 'with 15 unknown ones', signed(*sorted_with(key, junk[:15]))
    yield 'S15-17-signatures', 'FORMAT', 'with 16 unknown ones', signed(*sorted_with(key, junk[:16]))
    yield 'S15-4-cms', 'OK', 'and 4 CMS files', signed(key, *[('signatures/%d.p7s' % i, b'0' * 16384) for i in range(2)],
                                                      *[('signatures/%d.p7s' % i, b'0') for i in (2, 3)])
    yield 'S15-16-and-4-cms', 'OK', 'as many of both as there may be', signed(*sorted_with(key, junk[:15]), *[('signatures/%d.p7s' % i, b'0') for i in range(4)])
    yield 'S15-cms-5', 'FORMAT', '5 CMS files', signed(key, *[('signatures/%d.p7s' % i, b'0') for i in (0, 1, 2, 3, 3)])
    yield 'S15-cms-empty', 'FORMAT', 'a CMS file of no bytes', signed(key, ('signatures/0.p7s', b''))
    yield 'S15-cms-long', 'FORMAT', 'a CMS file of 16 KiB + 1', signed(key, ('signatures/0.p7s', b'0' * 16385))
    yield 'S15-cms-name', 'FORMAT', '4.p7s', signed(key, ('signatures/4.p7s', b'0'))
    yield 'S15-cms-name-long', 'FORMAT', '00.p7s', signed(key, ('signatures/00.p7s', b'0'))
    yield 'S15-cms-first', 'FORMAT', 'CMS before the signatures', signed(('signatures/0.p7s', b'0'), key)
    yield 'S15-cms-twice', 'FORMAT', '0.p7s twice', signed(key, ('signatures/0.p7s', b'0'), ('signatures/0.p7s', b'0'))
    yield 'S15-unsorted', 'FORMAT', 'signatures not sorted', signed(*reversed(sorted_with(key, junk[:1])))
    yield 'S15-twice', 'FORMAT', 'the same signature twice', signed(key, key)
    yield 'S15-name-upper', 'FORMAT', 'upper case digits', signed(('signatures/0123456789ABCDEF.sig', b'x'), key)
    yield 'S15-name-short', 'FORMAT', '15 digits', signed(('signatures/0123456789abcde.sig', b'x'), key)
    yield 'S15-name-long', 'FORMAT', '17 digits', signed(('signatures/0123456789abcdef0.sig', b'x'), key)
    yield 'S15-name-tail', 'FORMAT', 'text after .sig', signed(('signatures/0123456789abcdef.sig.x', b'x'), key)


def sorted_with(key, entries):
    return sorted([key, *entries], key=lambda e: e.name if isinstance(e, Key) else e[0])


def malleable(signature):
    order = 2**252 + 27742317777372353535851937790883648493
    return signature[:32] + (int.from_bytes(signature[32:], 'little') + order).to_bytes(32, 'little')
