"""Pictures of a printed checkerboard -> calibrations that `crosscheck calibrate-camera` reads.

    pip install opencv-python-headless
    python calibrate_board.py --columns 9 --rows 6 --square-m 0.020 colour/ [depth/]

Columns and rows count inner corners. `colour/` holds 15 to 30 sharp pictures that show the whole board, near the corners
of the image too and tilted by up to 45 degrees. `depth/` holds what the depth camera's own imager (its infrared picture,
emitter off) saw at the same moments, under the same names: then stereo.yml tells the way from depth to colour.
"""

import argparse
import pathlib

import cv2
import numpy as np


def corners(path, board):
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        return None, None
    found, at = cv2.findChessboardCornersSB(picture, board, flags=cv2.CALIB_CB_ACCURACY)
    return picture.shape[::-1], at if found else None


def seen(folder, board):
    """Corners by the picture's name, and the pictures' size."""
    found, sizes = {}, set()
    for path in sorted(pathlib.Path(folder).iterdir()):
        size, at = corners(path, board)
        if at is None:
            print(f"{path}: no whole board of {board[0]} x {board[1]} corners")
        else:
            found[path.stem] = at
            sizes.add(size)
    if len(found) < 8 or len(sizes) != 1:
        raise SystemExit(f"{folder}: {len(found)} pictures of sizes {sizes}, where 8 or more of one size are needed")
    return found, sizes.pop()


def calibrate(folder, board, points, out):
    found, size = seen(folder, board)
    error, matrix, distortion, _, _ = cv2.calibrateCamera([points] * len(found), list(found.values()), size, None, None)
    file = cv2.FileStorage(str(out), cv2.FILE_STORAGE_WRITE)
    file.write("image_width", size[0])
    file.write("image_height", size[1])
    file.write("camera_matrix", matrix)
    file.write("distortion_coefficients", distortion.reshape(1, -1)[:, :5])
    file.write("avg_reprojection_error", error)
    file.release()
    print(f"wrote {out}: {len(found)} pictures, reprojection error {error:.3f} px")
    return found, size, matrix, distortion


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--square-m", type=float, required=True, help="side of a square in metres: measure the print")
    parser.add_argument("colour")
    parser.add_argument("depth", nargs="?")
    arguments = parser.parse_args()
    board = (arguments.columns, arguments.rows)
    points = np.zeros((board[0] * board[1], 3), np.float32)
    points[:, :2] = np.mgrid[: board[0], : board[1]].T.reshape(-1, 2) * arguments.square_m
    colour, size, *of_colour = calibrate(arguments.colour, board, points, "colour.yml")
    if arguments.depth is None:
        return
    depth, _, *of_depth = calibrate(arguments.depth, board, points, "depth.yml")
    both = [name for name in depth if name in colour]
    error, *_, rotation, translation, _, _ = cv2.stereoCalibrate(
        [points] * len(both), [depth[n] for n in both], [colour[n] for n in both], *of_depth, *of_colour, size,
        flags=cv2.CALIB_FIX_INTRINSIC,
    )  # fmt: skip
    file = cv2.FileStorage("stereo.yml", cv2.FILE_STORAGE_WRITE)
    file.write("R", rotation)
    file.write("T", translation)
    file.release()
    print(f"wrote stereo.yml: {len(both)} pairs, reprojection error {error:.3f} px, baseline {1e3 * np.linalg.norm(translation):.1f} mm")


main()
