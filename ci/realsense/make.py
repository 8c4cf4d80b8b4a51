"""Registered depth images as librealsense makes them, for tests/method/registration.rs.

    python -m venv venv && venv/bin/pip install numpy pyrealsense2==2.56.5.9235
    venv/bin/python ci/realsense/make.py            # writes tests/golden/registration.safetensors
    venv/bin/python ci/realsense/make.py --check    # makes it again and compares; "not run: reason" without librealsense
    venv/bin/python ci/realsense/make.py --full OUT # the same at 848 x 480 to 1280 x 720

A software device stands in for the camera. Cases named align-* are what `rs.align` gives. librealsense's code for x86
draws half a pixel to the lower right, and of all distortions knows the radial terms of the modified Brown-Conrady model
only: others are left out, and its terms of p1 and p2 are not those of `rs2_project_point_to_pixel`. So these cases tell
the test a principal point that is half a pixel further on, and everything else is held to librealsense's own
`rs2_deproject_pixel_to_point` and `rs2_project_point_to_pixel`, called for every corner: cases named rule-*.

A pixel is unambiguous where corners that are off by less than EPSILON pixels do not change its depth: single
precision, and the order of its operations, decide the others.
"""

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EPSILON = 1e-3
UNIT_M = 0.001
COEFFICIENTS = [0.12, -0.2, 0.002, -0.0015, 0.05]
RADIAL = [0.12, -0.2, 0.0, 0.0, 0.05]
NONE = [0.0] * 5
# Name, model and coefficients of depth, and of colour.
CASES = [
    ("align-pinhole", "none", NONE, "none", NONE),
    ("align-colour-radial", "none", NONE, "modified_brown_conrady", RADIAL),
    ("rule-colour-modified", "none", NONE, "modified_brown_conrady", COEFFICIENTS),
    ("rule-colour-brown", "none", NONE, "brown_conrady", COEFFICIENTS),
    ("rule-colour-inverse", "none", NONE, "inverse_brown_conrady", COEFFICIENTS),
    ("rule-depth-brown", "brown_conrady", COEFFICIENTS, "none", NONE),
    ("rule-depth-inverse", "inverse_brown_conrady", COEFFICIENTS, "brown_conrady", COEFFICIENTS),
]


def intrinsics(width, height, focal, model, coefficients):
    """Of a lens whose middle is a little off."""
    lens = rs.intrinsics()
    lens.width, lens.height = width, height
    lens.fx, lens.fy = focal * width, 1.004 * focal * width
    lens.ppx, lens.ppy = 0.496 * width, 0.507 * height
    lens.model, lens.coeffs = getattr(rs.distortion, model), coefficients
    return lens


def extrinsics():
    turn = 0.01
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    way = rs.extrinsics()
    # Columns.
    way.rotation = [float(v) for v in (about_y @ about_z).T.astype(np.float32).reshape(-1)]
    way.translation = [0.015, 0.001, 0.0005]
    return way


def scene(width, height):
    """A wavy ground with a box on it, and pixels without depth."""
    v, u = np.mgrid[:height, :width]
    depth = 600 + 40 * np.sin(20 * u / width) + 60 * u / width + 30 * np.cos(14 * v / height)
    depth[height // 3 : 2 * height // 3, width // 3 : 3 * width // 5] -= 150
    depth = depth.astype(np.uint16)
    depth[np.random.default_rng(1).random(depth.shape) < 0.03] = 0
    return depth


def align(depth_lens, colour_lens, way, depth):
    """The depth image that `rs.align` registers to colour."""
    device = rs.software_device()
    kinds = [("Depth", rs.stream.depth, rs.format.z16, 2, depth_lens), ("Color", rs.stream.color, rs.format.rgb8, 3, colour_lens)]
    sensors, profiles = [], []
    for uid, (name, stream, form, size, lens) in enumerate(kinds):
        sensor, video = device.add_sensor(name), rs.video_stream()
        video.type, video.index, video.uid, video.fmt, video.bpp = stream, 0, uid, form, size
        video.width, video.height, video.fps, video.intrinsics = lens.width, lens.height, 30, lens
        sensors.append(sensor)
        profiles.append(sensor.add_video_stream(video))
    sensors[0].add_read_only_option(rs.option.depth_units, UNIT_M)
    profiles[0].register_extrinsics_to(profiles[1], way)
    device.create_matcher(rs.matchers.default)
    syncer = rs.syncer()
    for sensor, profile in zip(sensors, profiles):
        sensor.open(profile)
        sensor.start(syncer)
    pictures = [depth, np.zeros((colour_lens.height, colour_lens.width, 3), np.uint8)]
    for number in range(5):
        for sensor, profile, picture, kind in zip(sensors, profiles, pictures, kinds):
            frame = rs.software_video_frame()
            frame.stride, frame.bpp = kind[4].width * kind[3], kind[3]
            frame.timestamp, frame.domain, frame.frame_number = number * 33.0, rs.timestamp_domain.hardware_clock, number
            frame.profile, frame.pixels = profile.as_video_stream_profile(), picture
            if picture is depth:
                frame.depth_units = UNIT_M
            sensor.on_video_frame(frame)
        frames = syncer.wait_for_frames()
        if frames.get_depth_frame() and frames.get_color_frame():
            return np.array(rs.align(rs.stream.color).process(frames).get_depth_frame().get_data()).copy()
    raise RuntimeError("no pair of frames came")


def corners(depth_lens, colour_lens, way, depth, offset):
    """Where the corners of all pixels are drawn in the colour image, by librealsense's own functions."""
    drawn = np.full((*depth.shape, 2), np.nan)
    for v, u in zip(*np.nonzero(depth)):
        point = rs.rs2_deproject_pixel_to_point(depth_lens, [u + offset, v + offset], float(depth[v, u]) * UNIT_M)
        moved = rs.rs2_transform_point_to_point(way, point)
        drawn[v, u] = rs.rs2_project_point_to_pixel(colour_lens, moved)
    return drawn


def fill(depth, first, last, shape, slack):
    """The nearest depth of the rectangles between corners, which are narrowed by `slack` at all sides."""
    nearest = np.full(shape, 65535, np.uint16)
    height, width = shape
    for v, u in zip(*np.nonzero(depth)):
        left, top = np.maximum(np.floor(first[v, u] + 0.5 + slack), 0).astype(int)
        right, bottom = np.minimum(np.floor(last[v, u] + 0.5 - slack), [width - 1, height - 1]).astype(int)
        if left <= right and top <= bottom:
            covered = nearest[top : bottom + 1, left : right + 1]
            np.minimum(covered, depth[v, u], out=covered)
    return np.where(nearest == 65535, 0, nearest).astype(np.uint16)


def toml(lens, model, shift):
    return (
        f"width = {lens.width}\nheight = {lens.height}\nfx = {lens.fx!r}\nfy = {lens.fy!r}\n"
        f"cx = {lens.ppx + shift!r}\ncy = {lens.ppy + shift!r}\n"
        f'distortion = "{model}"\ncoefficients = {[float(c) for c in lens.coeffs]}\n'
    )


def case(name, depth_model, depth_coefficients, colour_model, colour_coefficients, sizes):
    (depth_width, depth_height), (colour_width, colour_height) = sizes
    depth_lens = intrinsics(depth_width, depth_height, 0.52, depth_model, depth_coefficients)
    colour_lens = intrinsics(colour_width, colour_height, 0.72, colour_model, colour_coefficients)
    way, depth = extrinsics(), scene(depth_width, depth_height)
    aligned, shift = name.startswith("align-"), 0.0
    first, last = (corners(depth_lens, colour_lens, way, depth, offset) for offset in (-0.5, 0.5))
    if aligned:
        shift = 0.5
        first, last = first + shift, last + shift
    shape = (colour_height, colour_width)
    narrow, wide = fill(depth, first, last, shape, EPSILON), fill(depth, first, last, shape, -EPSILON)
    expected = align(depth_lens, colour_lens, way, depth) if aligned else fill(depth, first, last, shape, 0.0)
    rows = np.array(way.rotation).reshape(3, 3).T.tolist()
    camera = (
        f"depth_unit_m = {UNIT_M}\n[colour]\n{toml(colour_lens, colour_model, shift)}"
        f"[depth]\n{toml(depth_lens, depth_model, 0.0)}"
        f"[depth_to_colour]\nrotation = {rows}\ntranslation_m = {list(way.translation)}\n"
    )
    print(f"{name}: {100 * (narrow == wide).mean():.2f} % of the pixels are unambiguous, {100 * (expected > 0).mean():.1f} % have depth")
    return {
        f"{name}.camera": np.frombuffer(camera.encode(), np.uint8),
        f"{name}.depth": depth,
        f"{name}.expected": expected,
        f"{name}.unambiguous": (narrow == wide).astype(np.uint8),
    }


def safetensors(tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        kind = {"uint8": "U8", "uint16": "U16"}[tensor.dtype.name]
        bytes_of = np.ascontiguousarray(tensor).tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(bytes_of)]}
        data += bytes_of
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--full", type=pathlib.Path)
    arguments = parser.parse_args()
    sizes = ((848, 480), (1280, 720)) if arguments.full else ((106, 60), (160, 90))
    tensors = {}
    for description in CASES:
        tensors |= case(*description, sizes)
    made, path = safetensors(tensors), arguments.full or ROOT / "tests/golden/registration.safetensors"
    if not arguments.check:
        path.write_bytes(made)
    elif path.read_bytes() != made:
        sys.exit(f"{path} is not what librealsense gives now")


try:
    import numpy as np
    import pyrealsense2 as rs
except ImportError as error:
    print(f"not run: {error}")
else:
    main()
