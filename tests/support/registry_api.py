"""Puts images of played_registry.py into a real registry, by its own API; and as a program, noise of given sizes:

    registry_api.py URL REPOSITORY:TAG MIB...      an image with an uncompressed layer of noise of each size"""
import sys
import urllib.request

from played_registry import OCI_LAYER, Image, Layer, digest, tar


class Api:
    def __init__(self, base):
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method, url, body=b'', **headers):
        request = urllib.request.Request(url, data=body, method=method, headers={k.replace('_', '-'): v for k, v in headers.items()})
        with self.opener.open(request) as answer:
            return answer.headers

    def put_blob(self, repository, data):
        place = self.call('POST', '%s/v2/%s/blobs/uploads/' % (self.base, repository))['Location']
        place = place if place.startswith('http') else self.base + place
        self.call('PUT', place + ('&' if '?' in place else '?') + 'digest=' + digest(data), data, Content_Type='application/octet-stream')

    def put_document(self, repository, data, media_type, tag=None):
        self.call('PUT', '%s/v2/%s/manifests/%s' % (self.base, repository, tag or digest(data)), data, Content_Type=media_type)

    def put_image(self, image, repository, tag=None):
        for blob in image.blobs():
            self.put_blob(repository, blob)
        self.put_document(repository, image.manifest(), image.manifest_type, tag)


def noise(mib, seed):
    import random
    return tar({'noise': random.Random(seed).randbytes(mib << 20)})


if __name__ == '__main__':
    name, tag = sys.argv[2].split(':')
    raws = [noise(int(mib), at) for at, mib in enumerate(sys.argv[3:])]
    Api(sys.argv[1]).put_image(Image([Layer(raw, raw, OCI_LAYER) for raw in raws]), name, tag)
    print(sum(map(len, raws)))
