"""Frames to learn from, and what is to be said about each: arrays on disk, made once."""

import multiprocessing
import pathlib

import numpy as np

import camera
import grouping
import networks
import parts
import teacher

VIEWS = 2
"""Frames of one part."""
POINTS_MIN = 3000
ATTEMPTS = 20


def _view(seed, view, attempt):
    number = seed * ATTEMPTS + attempt
    frame = camera.photograph(parts.part(number), camera.station(number), number * VIEWS + view)
    if np.count_nonzero(frame.cloud[..., 2]) < POINTS_MIN:
        return None
    pixels, centres, offsets = grouping.groups(frame.cloud, networks.XYZ["groups"], networks.XYZ["group_size"])
    radius, centre, spread = grouping.measures(centres, offsets)
    shape, shape_kinds = teacher.shape_quantities(frame, pixels, radius)
    colour, colour_kinds = teacher.colour_quantities(frame)
    arrays = {
        "rgb": frame.rgb,
        "offsets": (offsets / radius).astype(np.float16),
        "centres": ((centres - centre) / spread).astype(np.float32),
        "shape": shape.astype(np.float16),
        "colour": colour.astype(np.float16),
    }
    return arrays, (shape_kinds, colour_kinds)


def one(job):
    """A frame that has enough points."""
    seed, view = job
    views = (_view(seed, view, attempt) for attempt in range(ATTEMPTS))
    return next(v for v in views if v is not None)


def make(folder, first, count, processes=2):
    """`count` frames of parts from seed `first` on, as one file for each kind of array."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(first + i // VIEWS, i % VIEWS) for i in range(count)]
    arrays = {}
    with multiprocessing.Pool(processes) as pool:
        for i, (frame, kinds) in enumerate(pool.imap(one, jobs, chunksize=8)):
            for name, value in frame.items():
                if name not in arrays:
                    shape = (count, *value.shape)
                    arrays[name] = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", value.dtype, shape)
                arrays[name][i] = value
    np.savez(folder / "kinds.npz", shape=kinds[0], colour=kinds[1])


def load(folder):
    """What `make` left, mapped into memory, and the kinds of the quantities."""
    folder = pathlib.Path(folder)
    names = ("rgb", "offsets", "centres", "shape", "colour")
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    kinds = np.load(folder / "kinds.npz")
    return arrays, {name: list(kinds[name]) for name in kinds.files}
