"""Makes the default engine: frames, both networks, the file.

    python make.py frames DATA            about 5 minutes, 1.5 GB
    python make.py shape DATA             writes DATA/shape.npz
    python make.py colour DATA            writes DATA/colour.npz
    python make.py engine DATA FILE       puts both into an engine file
    python make.py engine DATA FILE OLD   the same with the shape network of the engine OLD
"""

import pathlib
import sys

import numpy as np

import engine_file
import frames
import networks
import train

FRAMES = 3200
FIRST_SEED = 1000
SEED = 20
SECONDS = {"shape": 600, "colour": 1300}


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
        weights, made_by = networks.batch_norms(), {}
        weights.update(np.load(f"{folder}/colour.npz"))
        if len(rest) > 1:
            shape, made_by["xyz"] = engine_file.read_network(rest[1], "xyz")
            weights.update(shape)
        else:
            weights.update(np.load(f"{folder}/shape.npz"))
        engine_file.write(rest[0], weights, made_by)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
