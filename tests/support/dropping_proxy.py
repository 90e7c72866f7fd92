#!/usr/bin/env python3
"""A bad line: a TCP proxy that breaks, is slow, and counts.

    dropping_proxy.py DIR [--drop BYTES] [--rate BYTES]     listens on a free port of loopback

DIR/target has HOST:PORT and is read for each connection, so that a server may come back elsewhere; nobody there: the connection is closed.
--drop: whenever so many bytes of answers have passed since the last time, the connection that carried the last of them is reset.
--rate: so many bytes of answers a second, all connections together.
DIR/port has the port. DIR/counts is always "DOWN UP CONNECTIONS DROPS": bytes of answers and of requests that were passed on."""
import argparse
import os
import socket
import struct
import threading
import time

PIECE = 16384
BUFFER = 65536      # what is under way in sockets was counted and may be lost: little


class Line:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.down = self.up = self.connections = self.drops = 0
        self.since = 0
        self.next_at = time.monotonic()

    def path(self, name):
        return os.path.join(self.options.dir, name)

    def publish(self, name, text):
        with open(self.path(name + '.new'), 'w', encoding='utf-8') as f:
            f.write(text + '\n')
        os.rename(self.path(name + '.new'), self.path(name))

    def tell(self):
        told = None
        while True:
            now = '%d %d %d %d' % (self.down, self.up, self.connections, self.drops)
            if now != told:
                self.publish('counts', now)
                told = now
            time.sleep(0.01)

    def passed_down(self, n):
        """Counts; true when the connection has to break now. Waits for the rate."""
        with self.lock:
            self.down += n
            self.since += n
            breaks = self.options.drop is not None and self.since >= self.options.drop
            if breaks:
                self.since = 0
                self.drops += 1
            if self.options.rate:
                self.next_at = max(self.next_at, time.monotonic()) + n / self.options.rate
            wait = self.next_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        return breaks

    def run(self):
        listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.publish('port', str(listener.getsockname()[1]))
        threading.Thread(target=self.tell, daemon=True).start()
        while True:
            c, _ = listener.accept()
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, client):
        self.connections += 1
        try:
            with open(self.path('target'), encoding='utf-8') as f:
                host, port = f.read().strip().rsplit(':', 1)
            server = socket.create_connection((host, int(port)))
        except OSError:
            client.close()
            return
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        threading.Thread(target=self.pass_up, args=(client, server), daemon=True).start()
        self.pass_down(server, client)

    def pass_up(self, client, server):
        try:
            for piece in iter(lambda: client.recv(PIECE), b''):
                self.up += len(piece)
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def pass_down(self, server, client):
        try:
            for piece in iter(lambda: server.recv(PIECE), b''):
                client.sendall(piece)
                if self.passed_down(len(piece)):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                    break
        except OSError:
            pass
        for s, how in ((server, socket.SHUT_RDWR), (client, socket.SHUT_RD)):
            try:
                s.shutdown(how)     # wakes the other thread, which keeps the connection open as long as it reads
            except OSError:
                pass
            s.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('dir')
    parser.add_argument('--drop', type=int)
    parser.add_argument('--rate', type=int)
    Line(parser.parse_args()).run()
