"""A registry in memory, on a Network of servers.py, and small images for it. Everything about both can be spoiled.

    r = Registry(net, 'registry.test', '192.0.2.1')
    i = Image()                                  # one gzip layer; i.layers, i.config, i.manifest_type, i.on_manifest ... before publishing
    r.publish(i, 'app', '1')
    r.answers['/v2/app/manifests/1'] = Answer(503)      # or a function of the request; comes before what was published
    r.auth = Bearer('https://registry.test/token')      # or Basic(user, password)"""
import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
import urllib.parse

from servers import Answer

OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'
DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'


def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def document(value):
    return json.dumps(value, separators=(',', ':')).encode()


def tar(files):
    """{name: bytes} as a tar; the same bytes every time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as t:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Layer:
    def __init__(self, raw=None, blob=None, media_type=OCI_LAYER + '+gzip'):
        self.raw = raw if raw is not None else tar({'etc/hello': b'hello\n'})
        self.blob = blob if blob is not None else gzip.compress(self.raw, mtime=0)
        self.media_type = media_type
        self.diff_id = digest(self.raw)
        self.changes = {}       # of its descriptor

    def descriptor(self):
        return dict({'mediaType': self.media_type, 'digest': digest(self.blob), 'size': len(self.blob)}, **self.changes)


class Image:
    def __init__(self, layers=None, architecture='amd64', variant=None):
        self.layers = layers if layers is not None else [Layer()]
        self.config = {'architecture': architecture, 'os': 'linux', 'config': {'Cmd': ['/bin/true']},
                       'rootfs': {'type': 'layers', 'diff_ids': [layer.diff_id for layer in self.layers]}, 'history': []}
        if variant:
            self.config['variant'] = variant
        self.platform = {'os': 'linux', 'architecture': architecture, **({'variant': variant} if variant else {})}
        self.manifest_type, self.config_type = OCI_MANIFEST, OCI_CONFIG
        self.content_type = None    # of the answer, when it is not the manifest's own
        self.config_changes = {}    # of the config's descriptor
        self.manifest_changes = {}
        self.config_bytes = None    # instead of config
        self.manifest_bytes = None

    def config_blob(self):
        return self.config_bytes if self.config_bytes is not None else document(self.config)

    def manifest(self):
        if self.manifest_bytes is not None:
            return self.manifest_bytes
        config = self.config_blob()
        m = {'schemaVersion': 2, 'mediaType': self.manifest_type,
             'config': dict({'mediaType': self.config_type, 'digest': digest(config), 'size': len(config)}, **self.config_changes),
             'layers': [layer.descriptor() for layer in self.layers]}
        m.update(self.manifest_changes)
        return document({k: v for k, v in m.items() if v is not None})

    def descriptor(self):
        m = self.manifest()
        return {'mediaType': self.manifest_type, 'digest': digest(m), 'size': len(m), 'platform': self.platform}

    def blobs(self):
        return [self.config_blob()] + [layer.blob for layer in self.layers]


def index(entries, media_type=OCI_INDEX, **changes):
    return document(dict({'schemaVersion': 2, 'mediaType': media_type, 'manifests': entries}, **changes))


class Basic:
    def __init__(self, user, password):
        self.wanted = 'Basic ' + base64.b64encode(('%s:%s' % (user, password)).encode()).decode()

    def refusal(self, request):
        if request.get('authorization') == self.wanted:
            return None
        return Answer(401, [('WWW-Authenticate', 'Basic realm="played"')], b'{"errors":[{"code":"UNAUTHORIZED","message":"log in"}]}')


class Bearer:
    """The challenge of a token registry. good: is this token right for this request?"""
    def __init__(self, realm, service='played', scope=True, good=None, extra=''):
        self.realm, self.service, self.scope, self.extra = realm, service, scope, extra
        self.good = good if good is not None else lambda token, request: token == 'canary-token'

    def challenge(self, request):
        text = 'Bearer realm="%s"' % self.realm
        if self.service is not None:
            text += ',service="%s"' % self.service
        name = re.match(r'/v2/(.+)/(?:manifests|blobs)/', request.path)
        if name and self.scope:
            text += ',scope="repository:%s:pull"' % (name.group(1) if self.scope is True else self.scope)
        return text + self.extra

    def refusal(self, request):
        sent = request.get('authorization') or ''
        if sent.startswith('Bearer ') and self.good(sent[7:], request):
            return None
        return Answer(401, [('WWW-Authenticate', self.challenge(request))], b'{"errors":[{"code":"UNAUTHORIZED","message":"token please"}]}')


class Registry:
    def __init__(self, net, name, address, port=443):
        self.name, self.address, self.port = name, address, port
        self.answers, self.documents, self.blobs = {}, {}, {}
        self.auth = None
        self.ranges = True
        self.elsewhere = None   # function of a digest: where the blob is, which is then answered with a redirect
        net.at[address, port] = self

    def put_document(self, repository, data, content_type, tag=None):
        answer = Answer(200, [('Content-Type', content_type), ('Docker-Content-Digest', digest(data))] if content_type else [], data)
        for name in (tag, digest(data)):
            if name is not None:
                self.documents['/v2/%s/manifests/%s' % (repository, name)] = answer

    def put_blob(self, repository, data):
        self.blobs['/v2/%s/blobs/%s' % (repository, digest(data))] = data

    def publish(self, image, repository, tag=None):
        self.put_document(repository, image.manifest(), image.content_type if image.content_type is not None else image.manifest_type, tag)
        for blob in image.blobs():
            self.put_blob(repository, blob)

    def publish_index(self, images, repository, tag, entries=None, media_type=OCI_INDEX):
        for image in images:
            self.publish(image, repository)
        data = index(entries if entries is not None else [i.descriptor() for i in images], media_type)
        self.put_document(repository, data, media_type, tag)
        return data

    def __call__(self, request):
        path = urllib.parse.unquote(request.path.split('?')[0])
        told = self.answers.get(request.path, self.answers.get(path))
        if told is not None:
            told = told(request) if callable(told) else told
            if told is not None:
                return told
        if self.auth is not None and path.startswith('/v2/'):
            refusal = self.auth.refusal(request)
            if refusal is not None:
                return refusal
        if path == '/v2/':
            return Answer(200, [('Content-Type', 'application/json')], b'{}')
        if path in self.blobs and self.elsewhere is not None:
            return Answer(307, [('Location', self.elsewhere(path.rsplit('/', 1)[1]))])
        if path in self.blobs:
            return self.blob(request, self.blobs[path])
        return self.documents.get(path)

    def blob(self, request, data):
        head = [('Content-Type', 'application/octet-stream'), ('ETag', '"%s"' % digest(data))]
        asked = re.fullmatch(r'bytes=(\d+)-(\d*)', request.get('range') or '')
        if not asked or not self.ranges:
            return Answer(200, head + ([('Accept-Ranges', 'bytes')] if self.ranges else []), data)
        first = int(asked.group(1))
        last = min(int(asked.group(2) or len(data) - 1), len(data) - 1)
        if first > last:
            return Answer(416, [('Content-Range', 'bytes */%d' % len(data))])
        return Answer(206, head + [('Content-Range', 'bytes %d-%d/%d' % (first, last, len(data)))], data[first:last + 1])
