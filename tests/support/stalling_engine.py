#!/usr/bin/env python3
"""Stands before a container engine and gives what an exported image begins with, and then nothing more.

    stalling_engine.py SOCKET ENGINE_SOCKET MARK BYTES

Connections to SOCKET are passed on to the engine's. Of the answer to GET .../get only so many BYTES come; then the file MARK is made, and the line stays silent until the client goes away."""
import socket
import sys
import threading


def close(*ends):
    for s in ends:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Line:
    def __init__(self, client, engine, mark, limit):
        self.client, self.engine, self.mark, self.left = client, engine, mark, limit
        self.is_export = False

    def requests(self):
        try:
            while data := self.client.recv(65536):
                self.is_export = self.is_export or b'/get HTTP/1.1\r\n' in data
                self.engine.sendall(data)
        except OSError:
            pass
        close(self.client, self.engine)

    def answers(self):
        try:
            while data := self.engine.recv(65536):
                if self.is_export:
                    data = data[:self.left]
                    self.left -= len(data)
                self.client.sendall(data)
                if self.left == 0:
                    with open(self.mark, 'w', encoding='ascii'):
                        return
        except OSError:
            pass
        close(self.client, self.engine)


def serve(client, engine_path, mark, limit):
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(engine_path)
    line = Line(client, engine, mark, limit)
    threading.Thread(target=line.requests, daemon=True).start()
    line.answers()


def main():
    path, engine_path, mark, limit = sys.argv[1:]
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(16)
    while True:
        client, _ = server.accept()
        threading.Thread(target=serve, args=(client, engine_path, mark, int(limit)), daemon=True).start()


main()
