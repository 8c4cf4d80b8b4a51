"""Makes the default engine: frames, both networks, the file.

    python make.py frames DATA            about 4 minutes, 1 GB
    python make.py shape DATA             writes DATA/shape.npz
    python make.py colour DATA            writes DATA/colour.npz
    python make.py engine DATA FILE       puts both into an engine file
"""

import pathlib
import sys

import numpy as np

import engine_file
import frames
import networks
import train

FRAMES = 2400
FIRST_SEED = 1000
SEED = 20
SECONDS = {"shape": 600, "colour": 900}


def main(what, folder, *rest):
    if what == "frames":
        frames.make(folder, FIRST_SEED, FRAMES)
    elif what in SECONDS:
        arrays, kinds = frames.load(folder)
        seconds = float(rest[0]) if rest else SECONDS[what]
        path = pathlib.Path(folder) / f"{what}.npz"
        start = dict(np.load(path)) if path.exists() else None
        np.savez(path, **getattr(train, what)(arrays, kinds, seconds, SEED, start))
    elif what == "engine":
        weights = networks.batch_norms()
        for part in SECONDS:
            weights.update(np.load(f"{folder}/{part}.npz"))
        engine_file.write(rest[0], weights)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
