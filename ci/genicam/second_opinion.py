"""Frames of a GigE Vision camera, read by viva-genicam.

    python second_opinion.py ADDRESS FOLDER

Prints the size and the format of the frames, and writes the bytes of 50 of them into FOLDER, each under the number of its
block. tests/genicam/opinion.rs compares them with what its camera sent.
"""

import pathlib
import sys

import viva_genicam

FRAMES = 50


def main():
    address, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    found = [device for device in viva_genicam.discover(timeout_ms=1000, all=True) if device.ip == address]
    if not found:
        sys.exit(f"no camera at {address} is discovered")
    camera = viva_genicam.connect_gige(found[0], iface="127.0.0.1")
    print(f"ExposureTime {camera.get('ExposureTime')}")
    with camera.stream(iface="127.0.0.1") as frames:
        for _, frame in zip(range(FRAMES), frames):
            print(f"{frame.width} x {frame.height} {frame.pixel_format}")
            (folder / str(frame.block_id)).write_bytes(frame.payload())


if __name__ == "__main__":
    main()
