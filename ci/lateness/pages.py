"""As many open pages as asked for: each follows the events of a station, and fetches the pictures of every new part.

usage: pages.py URL NUMBER
  It ends when the station does, and prints what it was sent.
"""

import asyncio
import json
import sys
import urllib.parse

PICTURES = ("overlay", "frame", "relief")
sent = {"events": 0, "pictures": 0, "bytes": 0}


async def get(host, port, path):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    sent["bytes"] += len(await reader.read(-1))
    sent["pictures"] += 1
    writer.close()


async def page(host, port):
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 22)
    writer.write(f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    shown = None
    while line := await reader.readline():
        if not line.startswith(b"data:"):
            continue
        sent["events"] += 1
        part = (json.loads(line[5:]).get("part") or {}).get("part")
        if part is not None and part != shown:
            shown = part
            for picture in PICTURES:
                await get(host, port, f"/{picture}.jpg?part={part}")
    writer.close()


async def follow(host, port):
    for _ in range(300):
        try:
            await page(host, port)
            return
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
        except (ConnectionError, asyncio.IncompleteReadError):
            return


async def main(url, number):
    where = urllib.parse.urlsplit(url)
    await asyncio.gather(*(follow(where.hostname, where.port) for _ in range(number)))
    print(f"{number} pages: {sent['events']} events, {sent['pictures']} pictures, {sent['bytes'] / 1e6:.1f} MB")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
