"""One run of a program against played registries, and what must be true of it afterwards. Runs inside a network namespace (names.sh) that has
the addresses below.

A scene is told by a function of the table that uses it:

    @case('R05', 'a blob on another host gets no login', OK)
    def blob_elsewhere(s):
        s.answer(s.blob(0), redirect('https://other.test/blob'))
        s.other.answers['/blob'] = Answer(200, [], s.image.layers[0].blob)
        s.after(lambda: s.was_asked(s.other))

Always true: the exit status, one line of error that has the text and names registry and repository, no output and nothing else left
after an error, no secret in what was said and kept, and no secret sent to anybody but the registry and what s.may_know names."""
import base64
import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import traceback

from played_registry import Basic, Bearer, Image, Registry
from servers import Answer, Network

ADDRESSES = {'registry.test': '192.0.2.1', 'other.test': '192.0.2.2', 'token.test': '192.0.2.3'}
OK, USAGE, CONFIG, POLICY, INTEGRITY, NET, AUTH, REGISTRY, LOCKED, IO = 0, 2, 3, 12, 13, 20, 21, 22, 61, 60
USER, PASSWORD, TOKEN = 'builder', 'canary-password', 'canary-token'
LOGIN = base64.b64encode(('%s:%s' % (USER, PASSWORD)).encode()).decode()
SECRETS = [PASSWORD, LOGIN, 'canary-']
LIMIT_SECONDS = 60
LIMIT_RESIDENT_KIB = 300 * 1024


class Broken(Exception):
    pass


@dataclasses.dataclass
class Case:
    row: str
    what: str
    status: int
    text: str
    tell: object
    names_it: bool      # the error names registry and repository


class Table:
    def __init__(self):
        self.cases = []

    def case(self, row, what, status, text='', names_it=True):
        def keep(function):
            self.cases.append(Case(row, what, status, text, function, names_it))
            return function
        return keep

    def each(self, row, what, status, text, variants, names_it=True):
        """One case for each of {words: value}; the function gets (scene, value)."""
        def keep(function):
            for words, value in variants.items():
                self.cases.append(Case(row, '%s: %s' % (what, words), status, text, lambda s, v=value: function(s, v), names_it))
            return function
        return keep


class World:
    """What all scenes share: listeners and certificates. Made once."""
    def __init__(self, folder, program, addresses):
        self.dir, self.program, self.addresses = folder, program, addresses
        self.net = Network(folder)
        usual = self.net.tls(*addresses)
        self.contexts = {}      # by address, where it is not the usual one
        self.net.listen(443, lambda address: self.contexts.get(address, usual))
        self.net.listen(8443, usual)
        self.net.listen(80)
        self.is_instrumented = b'__asan_init' in open(program, 'rb').read()


class Scene:
    def __init__(self, world, number):
        self.world, self.net = world, world.net
        self.net.at, self.net.seen = {}, []
        self.net.connections.clear()
        self.dir = os.path.join(world.dir, 'scene%d' % number)
        for name in ('out', 'home', 'tmp'):
            os.makedirs(os.path.join(self.dir, name))
        self.registry, self.other, self.token = (self.host(n) for n in list(world.addresses)[:3])
        self.image = Image()
        self.reference = 'registry.test/app:1'
        self.options = ['--retries', '0']
        self.environment = {}
        self.output = os.path.join(self.dir, 'out', 'it.bundle.tar.zst')
        self.may_know = {(self.registry.address, 443)}
        self.is_published = True
        self.checks = []
        self.write('auth.json', json.dumps({'auths': {'registry.test': {'auth': LOGIN}}}))
        self.authfile = self.path('auth.json')
        self.ca = self.net.ca
        self.stdout = self.stderr = ''

    # words for tables

    def host(self, name):
        """A registry, or any other server, under that name."""
        return Registry(self.net, name, self.world.addresses[name])

    def logins(self, **auths):
        """The login file: s.logins(**{'quay.io': {'auth': ...}})."""
        self.write('auth.json', json.dumps({'auths': auths}))

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content, mode=0o600):
        with open(self.path(name), 'wb') as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(self.path(name), mode)
        return self.path(name)

    @property
    def manifest(self):
        return '/v2/app/manifests/1'

    def blob(self, layer):
        blobs = self.image.blobs()
        return '/v2/app/blobs/sha256:' + hashlib.sha256(blobs[1 + layer] if layer >= 0 else blobs[0]).hexdigest()

    def answer(self, path, answer):
        self.registry.answers[path] = answer

    def needs_password(self):
        self.registry.auth = Basic(USER, PASSWORD)

    def needs_token(self, realm='https://registry.test/token', **more):
        self.registry.auth = Bearer(realm, **more)
        self.answer('/token', self.gives_token)

    @staticmethod
    def gives_token(_request):
        return Answer(200, [('Content-Type', 'application/json')], json.dumps({'token': TOKEN}).encode())

    def after(self, check):
        self.checks.append(check)

    # what came to whom

    def asked(self, server, path=''):
        return [r for r in self.net.seen if r.address == server.address and path in r.path]

    def was_asked(self, server, path=''):
        self.must(self.asked(server, path), '%s was not asked for %s' % (server.name, path or 'anything'))

    def not_reached(self, *addresses):
        for address in addresses:
            found = [where for where in self.net.connections if where[0] == address]
            self.must(not found, 'connections to %s' % found)

    def must(self, fact, text):
        if not fact:
            raise Broken(text)

    # the run

    def command(self):
        return [self.world.program, 'create', '--no-loader', '--version', '1.0.0', '--registry-ca', self.ca, '--cache', self.path('cache'), '-o', self.output,
                *(['--authfile', self.authfile] if self.authfile else []), *self.options, *([self.reference] if self.reference else [])]

    def variables(self):
        return dict({'PATH': os.environ['PATH'], 'HOME': self.path('home'), 'TMPDIR': self.path('tmp')}, **self.environment)

    def run(self):
        if self.is_published:
            self.registry.publish(self.image, 'app', '1')
        with open(self.path('stdout'), 'wb') as out, open(self.path('stderr'), 'wb') as err:
            child = subprocess.Popen(self.command(), env=self.variables(), cwd=self.path('home'), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            late = threading.Timer(LIMIT_SECONDS, child.kill)
            late.start()
            _, status, usage = os.wait4(child.pid, 0)
            late.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
        self.resident_kib = usage.ru_maxrss
        self.stdout, self.stderr = (open(self.path(n), encoding='utf-8', errors='surrogateescape').read() for n in ('stdout', 'stderr'))
        return child.returncode

    def judge(self, case, status):
        self.must(status == case.status, 'status %d instead of %d' % (status, case.status))
        errors = [line for line in self.stderr.split('\n') if line.startswith('archon-bundle: ') and not line.startswith('archon-bundle: warning: ')]
        if status == 0:
            self.must(os.path.isfile(self.output), 'no bundle')
            self.must(os.listdir(os.path.dirname(self.output)) == [os.path.basename(self.output)], 'something beside the bundle')
        else:
            self.must(len(errors) == 1, '%d lines of error' % len(errors))
            self.must(re.search(case.text, errors[0]), 'the error does not say: ' + case.text)
            if case.names_it:
                self.must('registry.test' in errors[0], 'the error does not name the registry')
                self.must('app' in errors[0].replace(self.dir, ''), 'the error does not name the repository')
            self.must(not self.stdout, 'a result in spite of the error')
            self.nothing_left()
        self.keeps_secrets()
        self.must(self.world.is_instrumented or self.resident_kib < LIMIT_RESIDENT_KIB, '%d KiB of memory' % self.resident_kib)
        for check in self.checks:
            check()

    def nothing_left(self):
        """State C0, and a cache in which everything that has a name is what its name says."""
        left = os.listdir(self.path('out')) + os.listdir(self.path('tmp'))
        self.must(not left, 'left behind: %s' % left)

    def keeps_secrets(self):
        for secret in SECRETS:
            self.must(secret not in self.stdout + self.stderr, 'a secret was printed')
        for folder, _, files in os.walk(self.path('cache')):
            for name in files:
                with open(os.path.join(folder, name), 'rb') as f:
                    data = f.read()
                self.must(b'canary-' not in data, 'a secret in the cache: ' + name)
                if re.fullmatch('[0-9a-f]{64}', name):
                    self.must(hashlib.sha256(data).hexdigest() == name, 'a wrong blob in the cache: ' + name)
        for r in self.net.seen:
            if (r.address, r.port) not in self.may_know:
                self.must(not any(secret in r.text() for secret in SECRETS) and r.get('authorization') is None, 'a secret was sent to ' + r.text())


def run_case(world, number, case):
    """None, or what is wrong."""
    scene = Scene(world, number)
    try:
        case.tell(scene)
        scene.judge(case, scene.run())
        shutil.rmtree(scene.dir, ignore_errors=True)
        return None
    except Exception as wrong:  # a table that is wrong is a failed test as well
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            print('%s, %s: %s' % (case.row, case.what, wrong if isinstance(wrong, Broken) else traceback.format_exc()))
            print('    stderr: ' + scene.stderr[:1000].replace('\n', '\n            '))
            for r in scene.net.seen[:12]:
                print('    got: ' + r.text()[:300])
        return told.getvalue()


def run_table(table, arguments, addresses=ADDRESSES):
    """FOLDER PROGRAM PART/PARTS [ROW...]: every so many-th case, from the PART-th on. A line "ok ROW what" or "not ok ROW what" for each, with what
    is wrong below it, and at last "end"."""
    folder, program, rows = arguments[0], arguments[1], arguments[3:]
    part, parts = (int(n) for n in arguments[2].split('/'))
    world = World(folder, program, addresses)
    n_bad = 0
    for number, case in enumerate(table.cases):
        if number % parts != part - 1 or (rows and case.row not in rows):
            continue
        began = time.monotonic()
        wrong = run_case(world, number, case)
        n_bad += wrong is not None
        print('%s %s %s in %d ms' % ('ok' if wrong is None else 'not ok', case.row, case.what, (time.monotonic() - began) * 1000))
        if wrong is not None:
            print(wrong.rstrip())
        sys.stdout.flush()
    print('end: %d bad' % n_bad)
    return n_bad
