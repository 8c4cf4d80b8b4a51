"""Parts of which it is known what they are: some good ones to teach a recipe with, then others to judge, then fresh ones.

usage: known.py DATASET OUT
  DATASET: a class of `crosscheck synthesize`
  OUT: the folder to write. OUT/good has its good validation frames; OUT/belt every second test frame, the good and the
  defective ones mixed, under numbers; OUT/truth.json which of these are good; OUT/fresh/part the other test frames
"""

import json
import os
import pathlib
import random
import shutil
import sys

EXTENSIONS = {"rgb": "png", "xyz": "tiff", "gt": "png"}


def copy(source, name, to, new_name, kinds=("rgb", "xyz")):
    for kind in kinds:
        extension = EXTENSIONS[kind]
        os.makedirs(to / kind, exist_ok=True)
        shutil.copy(source / kind / f"{name}.{extension}", to / kind / f"{new_name}.{extension}")


def names(folder):
    return sorted(path.stem for path in (folder / "rgb").iterdir())


def main(dataset, out):
    for name in names(dataset / "validation" / "good"):
        copy(dataset / "validation" / "good", name, out / "good", name)
    belt = []
    for folder in sorted((dataset / "test").iterdir()):
        for i, name in enumerate(names(folder)):
            if i % 2:
                copy(folder, name, out / "fresh" / "part" / "test" / folder.name, name, EXTENSIONS)
            else:
                belt.append((folder, name))
    random.Random(0).shuffle(belt)
    for i, (folder, name) in enumerate(belt):
        copy(folder, name, out / "belt", f"{i:03}")
    (out / "truth.json").write_text(json.dumps([folder.name == "good" for folder, _ in belt]))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
