"""The CUDA kernels under AddressSanitizer, and whether faults planted in them are caught. Needs g++ on Linux.

    python3 ci/cuda/check_kernels.py [--all] [--keep] [FILE...]

Runs tests/cuda on the unchanged kernels, with every access checked, and then on copies with one fault at a
time: a barrier removed, a limit off by one, a wrong mask. A fault that passes its tests fails this run. Of a copy, only
the family with the fault is compiled; the objects of the others are kept from the first copy on.

All faults take twenty minutes on two cores, and the same sources give the same result. `caught` beside this file has
a digest for each kernel file whose faults were all caught, of all that decides it: kernels, headers, tests, the machine
that stands in for a GPU, and the faults. Where every digest is still right one fault is planted, which shows that
planting works.

    --all    every fault is planted, whatever `caught` says
    --keep   `caught` is written anew for the files whose faults were all planted and caught
    FILE     only the faults of these kernel files, all of them, and without the run on unchanged kernels
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KERNELS = ROOT / "src/backend/cuda/kernels"
CAUGHT = HERE / "caught"
# What decides whether a fault is caught, beside the kernel file itself.
SHARED = ["src/backend/cuda/kernels/*.cuh", "tests/cuda/*.rs", "ci/cuda/host/*", "tests/support/kernel_library.rs"]
SECONDS_MAX = 900
# The exit code by which CI counts a step as not run.
NOT_RUN = 77

BARRIER = "__syncthreads();"
# (file, old text, new text, tests that must fail, whether only the sanitizer notices)
FAULTS = [
    ("common.cuh", f"    {BARRIER}\n    int before", "    int before", "grouping::points", False),
    ("common.cuh", f"has read them.\n    {BARRIER}", "has read them.", "interpolate::rows", False),
    ("common.cuh", "distance = 16; distance", "distance = 8; distance", "mapping::the_disc", False),
    ("prepare.cu", "(middle + 2.0 * wide + 0.5), side", "(middle + 2.0 * wide - 0.5), side", "prepare::frames", False),
    ("prepare.cu", "+ top, 0, height - 1)", "+ top, 0, height)", "prepare::frames", False),
    ("prepare.cu", "+ left, 0, width - 1)", "+ left + 1, 0, width - 1)", "prepare::frames", False),
    ("prepare.cu", "row = pixel / W + first_row", "row = pixel / W", "prepare::windows", False),
    ("prepare.cu", "(is_inside ? rgb", "(true ? rgb", "prepare::the_same", False),
    ("prepare.cu", "{124, 116, 104}", "{124, 116, 103}", "prepare::the_same", False),
    ("prepare.cu", "inside == nullptr || inside[i]", "true", "prepare::the_same", False),
    ("prepare.cu", "parents[from] == root)", "parents[from] >= 0)", "prepare::the_same", False),
    ("prepare.cu", "inside && is_point(point)", "inside", "prepare::windows", False),
    ("prepare.cu", "pixel % W * side / W + left", "pixel % W * side / W", "prepare::windows", False),
    ("prepare.cu", "(size_t)(i / width + top) * stride + i % width + left", "(size_t)i", "prepare::points_are", False),
    ("prepare.cu", "unit_m + depth_offset_m + ahead_m", "unit_m + (depth_offset_m + ahead_m)", "prepare::points_are", False),
    ("prepare.cu", "step != 0 && (inside", "(inside", "prepare::points_are", False),
    ("prepare.cu", "a * x + b * y + c * z + offset_m", "(c * z + offset_m) + a * x + b * y", "prepare::the_belt", False),
    ("components.cu", "x > 0 && linked(points, i, above - 1) &&", "x > 1 && linked(points, i, above - 1) &&", "components::", False),
    ("components.cu", "x + 1 < width && linked(points, i, above + 1) &&", "linked(points, i, above + 1) &&", "components::", False),
    ("components.cu", "!(up && linked(points, above, above + 1))", "!up", "components::", False),
    ("components.cu", "!(left && left_up && above_left)", "!(left && above_left)", "components::", False),
    ("components.cu", "!(left && left_up) && !(up", "!left && !(up", "components::", False),
    ("components.cu", "left && lane_of_thread() == 0", "left && lane_of_thread() == 1", "components::", False),
    ("components.cu", "lane > 0 && i % width > 0 &&", "lane > 0 &&", "components::", False),
    ("components.cu", "if (before == later) {", "if (true) {", "components::", False),
    ("components.cu", "a = before;", "a = later;", "components::", False),
    ("components.cu", "min(before, key)", "before", "components::", False),
    ("components.cu", "points >= points_min", "points > points_min", "components::", False),
    ("components.cu", "FAR - x), seen.right", "FAR - x - 1), seen.right", "components::", False),
    ("components.cu", "                seen = {};\n            }\n            if (row", "            }\n            if (row", "components::", False),
    ("components.cu", "parents[i] == largest ? 0 : -1", "-1", "prepare::the_same", False),
    ("components.cu", "apart < NEIGHBOUR_M * NEIGHBOUR_M", "apart <= 3.7e-5f", "components::", False),
    ("sampling.cu", "other > distance", "other >= distance", "grouping::farthest", False),
    ("sampling.cu", "fminf(other, distance)", "-1.0f", "grouping::several", False),
    ("sampling.cu", "key == first || key == next ? others : key", "key == first || key == next ? 0ull : key", "grouping::several", False),
    ("sampling.cu", "key == first || key == next ? others : key", "key == first ? others : 0ull", "grouping::several", False),
    ("sampling.cu", "pair_key(farthest.second, (unsigned)key)", "pair_key(farthest.second, 0u)", "grouping::several", False),
    ("sampling.cu", "if (key < bound)", "if (key >> 32 < bound >> 32)", "grouping::several", False),
    ("sampling.cu", "if (key < bound)", "if (key <= bound)", "grouping::farthest", False),
    ("sampling.cu", "fminf(distance[block], lowered)", "distance[block]", "grouping::farthest", False),
    ("sampling.cu", "block < blocks ? max(bound, candidates.bounds[block]) : bound", "max(bound, candidates.bounds[0])", "grouping::a_cloud", False),
    ("sampling.cu", "    }\n        __syncwarp();\n        const int at", "    }\n        const int at", "grouping::farthest", False),
    ("sampling.cu", "            __syncwarp();\n            if (lane < 3)", "            if (lane < 3)", "grouping::a_cloud", False),
    ("sampling.cu", f"        {BARRIER}\n        if (blocks == 1", "        if (blocks == 1", "grouping::farthest", False),
    ("sampling.cu", f"        {BARRIER}\n        if (warp == 0)", "        if (warp == 0)", "grouping::a_cloud", False),
    ("sampling.cu", f"        {BARRIER}\n        const int count", "        const int count", "grouping::farthest", False),
    ("sampling.cu", "round_of(key) == number && round_of(bound) == number", "true", "grouping::a_cloud", False),
    ("sampling.cu", "words + (round & 1) * SAMPLE_BLOCKS * OFFERS", "words", "grouping::a_cloud", False),
    ("sampling.cu", "__all_sync(EVERY_LANE, round", "__all_sync(0xffffu, round", "grouping::a_cloud", False),
    ("sampling.cu", "i < own.count ? infinity()", "i < own.count - 1 ? infinity()", "grouping::farthest", False),
    ("sampling.cu", "(REGISTER_SLOTS + slot) * 32 < own.count", "(REGISTER_SLOTS + slot + 1) * 32 < own.count", "grouping::several", False),
    ("sampling.cu", "for (int i = lane; i < own.count; i += 32)", "for (int i = lane; i < own.count - 32; i += 32)", "grouping::several", False),
    ("sampling.cu", "fmaxf(fmaxf(box[0] - x, x - box[3]), 0.0f)", "fmaxf(box[0] - x, x - box[3])", "grouping::several", False),
    ("sampling.cu", "for (; mattering != 0u; mattering &= mattering - 1u)", "if (mattering != 0u)", "grouping::several", False),
    ("sampling.cu", "count < most", "count <= most", "grouping::farthest", True),
    ("grouping.cu", f"done with it.\n        {BARRIER}", "done with it.", "grouping::nearest", False),
    ("grouping.cu", "            __syncwarp();\n        }\n    }", "        }\n    }", "grouping::nearest", False),
    ("grouping.cu", "if (filled > NEAREST_QUEUE - 32)", "if (filled > NEAREST_QUEUE)", "grouping::no_point", False),
    ("grouping.cu", "__ballot_sync(EVERY_LANE, key", "__ballot_sync(0xffffu, key", "grouping::nearest", False),
    ("interpolate.cu", "distance < best[1].distance", "distance <= best[1].distance", "interpolate::nearest", False),
    ("interpolate.cu", f"        }}\n        {BARRIER}\n    }}\n    if", "        }\n    }\n    if", "interpolate::nearest", False),
    ("interpolate.cu", "SMOOTHED + H - 1) / H", "SMOOTHED) / H", "interpolate::rows", False),
    ("interpolate.cu", "at - 2, first", "at - 1, first", "interpolate::rows", False),
    ("interpolate.cu", "T_SIDE - 1)", "T_SIDE)", "interpolate::every", False),
    ("nodes.cuh", "row < min(y + 2, H)", "row < y + 2", "anomaly::pixels", True),
    ("nodes.cuh", "column = x & ~1;", "column = x;", "interpolate::every_second", False),
    ("interpolate.cu", "node != pixel && has_feature", "has_feature", "interpolate::every_second", False),
    ("interpolate.cu", "valid ? BETWEEN : NO_PLACE", "NO_PLACE", "interpolate::every_second", False),
    ("anomaly.cu", "if (places[node] >= 0) {", "{", "anomaly::pixels", True),
    ("anomaly.cu", "count += 1.0f;", "count += 0.5f;", "anomaly::pixels", False),
    ("anomaly.cu", "return rgb + xyz;", "return rgb * xyz;", "anomaly::unlisted", False),
    ("products.cu", f"is overwritten next.\n        {BARRIER}", "is overwritten next.", "products::layers", False),
    ("products.cu", "wait_for_copies<STAGES - 2>", "wait_for_copies<STAGES - 1>", "products::layers", False),
    ("products.cu", "piece < STAGES - 1; ++piece", "piece < STAGES - 2; ++piece", "products::layers", False),
    ("products.cu", "constexpr int STAGES = 3", "constexpr int STAGES = 1", "products::layers", False),
    ("products.cu", "begin(piece + STAGES - 1)", "begin(piece + STAGES)", "products::layers", False),
    ("products.cu", "(row >> 1 & (CHUNKS - 1))", "(threadIdx.x >> 1 & (CHUNKS - 1))", "products::layers", False),
    ("products.cu", "a_chunk = lane >> 4;", "a_chunk = lane >> 3 & 1;", "products::layers", False),
    ("products.cu", "(lane & 7) + (lane >> 4) * 8", "(lane & 15)", "products::layers", False),
    ("products.cu", "left / PIECE : 0", "left / PIECE + 1 : 0", "products::squared", False),
    ("products.cu", "triangular != 0 ? left / PIECE : 0", "0", "products::a_triangle", False),
    ("products.cu", "row_count == nullptr ? rows : *row_count", "rows", "products::layers", True),
    ("products.cu", "piece * PIECE < copies.from", "piece * PIECE <= copies.from", "products::layers", False),
    ("products.cu", "is_column && i < copies.rows", "is_column && i <= copies.rows", "products::layers", True),
    ("products.cu", "first - row + apart - 1)", "first - row)", "products::layers", False),
    ("products.cu", "(size_t)i * APART * copies.from", "(size_t)i * copies.from", "products::layers", False),
    ("products.cu", "place_of(row, chunk), rows", "place_of(row, 0), rows", "products::layers", False),
    ("products.cu", "squares[i], 2);", "squares[i], 1);", "products::squared", False),
    ("products.cu", "column + 1 < of.to) {\n            at[1]", "column < of.to) {\n            at[1]", "products::inner", True),
    ("products.cu", "{at->x + u, at->y + v}", "{u, v}", "products::a_residual", False),
    ("products.cu", "lane % 4 == 0 && row < of.n", "lane % 4 == 0 && row <= of.n", "products::squared", True),
    ("mapping.cu", "part < parts; part += 32", "part < parts - 1; part += 32", "mapping::the_disc", False),
    ("attention.cu", f"overwritten next.\n        {BARRIER}", "overwritten next.", "attention::every", False),
    ("attention.cu", "wait_for_copies<0>();", "wait_for_copies<1>();", "attention::every", False),
    ("attention.cu", "if (key >= keys_left)", "if (key > keys_left)", "attention::every", False),
    ("attention.cu", "sum[half] *= scale;", "", "attention::every", False),
    ("attention.cu", "out[0][j][2 * half + 1] *= scale;", "", "attention::every", False),
    ("attention.cu", "most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 2));", "", "attention::every", False),
    ("norm.cu", "(skipped + row) * width", "row * width", "norm::rows", False),
    ("norm.cu", "*reinterpret_cast<float2*>(x + i) = pair;", "", "norm::rows", False),
    ("norm.cu", "/ width + epsilon)", "/ width) + epsilon", "norm::rows", False),
    ("norm.cu", "i < width; i += 64", "i <= width; i += 64", "norm::rows", False),
    ("patches.cu", "(i + CHANNELS * PATCH) * PATCH", "i * PATCH", "norm::every_pixel", False),
    ("group_encoder.cu", f"top, units);\n    {BARRIER}", "top, units);", "group_encoder::the_second", False),
    ("group_encoder.cu", f"top, units);\n        {BARRIER}", "top, units);", "group_encoder::features", False),
    ("group_encoder.cu", f"e2, third);\n            {BARRIER}", "e2, third);", "group_encoder::features", False),
    ("group_encoder.cu", f"after the last.\n            {BARRIER}", "after the last.", "group_encoder::features", False),
    ("group_encoder.cu", "of.points, of.k - 1)", "of.points, of.k)", "group_encoder::the_second", False),
    ("group_encoder.cu", "fminf(fmaxf(u, 0.0f), HALF_MAX)", "fmaxf(u, 0.0f)", "group_encoder::units", False),
    ("group_encoder.cu", "fminf(fmaxf(largest + bias[column], -HALF_MAX), HALF_MAX)", "largest + bias[column]", "group_encoder::units", False),
    ("group_encoder.cu", "if ((i + 1) % together == 0 || i == M - 1)", "if (i == M - 1)", "group_encoder::", False),
    ("group_encoder.cu", "__shfl_xor_sync(EVERY_LANE, most, 16)", "__shfl_xor_sync(EVERY_LANE, most, 8)", "group_encoder::", False),
    ("group_encoder.cu", "at == 0 ? value : fmaxf(*to, value)", "value", "group_encoder::features", False),
    ("group_encoder.cu", "group < groups && column < width", "group < groups", "group_encoder::features", False),
    ("mapping.cu", "i < row.length; ++i", "i < row.length - 1; ++i", "mapping::hidden", False),
    ("mapping.cu", "item < items;", "item < items - 1;", "mapping::hidden", False),
    ("mapping.cu", "first + item / octets", "first + item / (octets + 1)", "mapping::hidden", False),
    ("mapping.cu", "*pixel_count) - first) * octets", "*pixel_count + 1) - first) * octets", "mapping::hidden", True),
    ("mapping.cu", "octet < octets; octet += 32", "octet < octets - 1; octet += 32", "mapping::the_disc", False),
    ("mapping.cu", "octet = lane_of_thread(); octet < octets; octet += 32", "octet = lane_of_thread(); octet < octets; octet += 64", "likelihood::the_dist", False),
    ("mapping.cu", "means[octets + octet];", "means[octet];", "likelihood::the_dist", False),
    ("mapping.cu", "(size_t)place * 2 * octets", "(size_t)place * octets", "likelihood::the_dist", False),
    ("mapping.cu", "before = first / OCTET", "before = 0", "likelihood::the_dist", False),
    ("mapping.cu", "floors[before + octet]", "floors[octet]", "likelihood::the_dist", False),
    ("mapping.cu", "channels / OCTET, before", "octets, before", "likelihood::the_dist", False),
    ("mapping.cu", "value < low ? low : value > high ? high : value", "value > high ? high : value", "likelihood::the_dist", False),
    ("mapping.cu", "value < low ? low : value > high ? high : value", "value < low ? low : value", "likelihood::the_dist", False),
    ("mapping.cu", "value < low ? low : value > high ? high : value", "fminf(fmaxf(value, low), high)", "likelihood::what", False),
    ("mapping.cu", "low, high)) + floor.of[j]", "low, high))", "likelihood::the_dist", False),
    ("mapping.cu", "(j % 2 == 0 ? m.x : m.y)", "m.x", "likelihood::the_dist", False),
    ("mapping.cu", "first == 0 ? sum : psi[place] + sum", "sum", "likelihood::the_dist", False),
    ("mapping.cu", "first == 0 ? sum : psi[place] + sum", "psi[place] + sum", "likelihood::the_dist", False),
    ("mapping.cu", "squared_norm < 1e-24f ? 1e-24f : squared_norm", "fmaxf(squared_norm, 1e-24f)", "mapping::what", False),
    ("anomaly.cu", f"1, top, left);\n        {BARRIER}", "1, top, left);", "anomaly::smoothing", False),
    ("anomaly.cu", "5 * 2 + 3 * 3", "5 * 2 + 3 * 2", "anomaly::smoothing", False),
    ("anomaly.cu", f"    {BARRIER}\n    if (warp_of", "    if (warp_of", "anomaly::the_score", False),
    ("fit.cu", "i < c; i += ROW_THREADS", "i < c - 1; i += ROW_THREADS", "fit::the_first", False),
    ("fit.cu", "distribution + x * density", "distribution + density", "fit::the_first", False),
    ("fit.cu", "i < c; i += 32) {\n        const", "i < c - 1; i += 32) {\n        const", "fit::the_loss", False),
    ("fit.cu", "fmaxf((float)sqrt(square), 1e-12f)", "(float)sqrt(square)", "fit::the_loss", False),
    ("fit.cu", f"    {BARRIER}\n    if (threadIdx", "    if (threadIdx", "fit::the_loss", False),
    ("fit.cu", f"    {BARRIER}\n    sum = warp_sum(partial", "    sum = warp_sum(partial", "fit::a_biass", False),
    ("fit.cu", "row < n; row += SUM_SIDE", "row < n - 1; row += SUM_SIDE", "fit::a_biass", False),
    ("fit.cu", "(1.0f - beta_second) * g * g", "(1.0f - beta_second) * g", "fit::a_step", False),
    ("registration.cu", "int COVER_MAX = 64", "int COVER_MAX = 63", "registration::one_pixel", False),
    ("registration.cu", "NEARNESS - step);", "step);", "registration::every_point", False),
    ("registration.cu", "atomicMax(nearness + v * width + u, NEARNESS - step);", "nearness[v * width + u] = NEARNESS - step;", "registration::every_point", False),
    ("registration.cu", "last = first + depth_width + 2", "last = first + depth_width + 1", "registration::every_point", False),
    ("registration.cu", "i / depth_width * (depth_width + 1)", "i / depth_width * depth_width", "registration::every_point", False),
    ("registration.cu", "u <= right", "u < right", "registration::every_point", False),
    ("registration.cu", "(float)(NEARNESS - near) * unit_m + offset_m", "fmaf((float)(NEARNESS - near), unit_m, offset_m)", "registration::what_is_behind", False),
    ("registration.cu", "return z > 0.0f", "return z != 0.0f", "registration::what_is_behind", False),
    ("registration.cu", "(unsigned short)(NEARNESS - near)", "(unsigned short)near", "registration::every_point", False),
    ("registration.cu", "BENT_AFTER_RADIAL ? fx : x", "BENT_NOT ? fx : x", "registration::every_point", False),
    ("registration.cu", "near != 0 && scale * z > 0.0f", "near != 0 && scale > 0.0f", "registration::bent", False),
    # Accesses out of bounds of global or shared memory, which need not change a result.
    ("components.cu", "if (i >= pixels || !is_point", "if (i > pixels || !is_point", "components::", True),
    ("components.cu", "    if (i >= pixels) {\n        return;\n    }\n    const int start", "    const int start", "components::", True),
    ("components.cu", "root = i < pixels ? parents", "root = i <= pixels ? parents", "components::", True),
    ("components.cu", "i >= pixels || parents[i] != i", "i > pixels || parents[i] != i", "components::", True),
    ("components.cu", "if (i < pixels && lane_of", "if (lane_of", "prepare::windows", True),
    ("prepare.cu", "    if (i >= pixels) {", "    if (i > pixels) {", "prepare::frames", True),
    ("prepare.cu", "if (i >= width * height)", "if (i > width * height)", "prepare::points_are", True),
    ("prepare.cu", "pixel >= rows * W", "pixel > rows * W", "prepare::frames", True),
    ("prepare.cu", "0 <= x && x < width", "0 <= x && x <= width", "prepare::frames", True),
    ("anomaly.cu", "pixel < P; pixel += M", "pixel <= P; pixel += M", "anomaly::the_score", True),
    ("registration.cu", "pixel >= pixels", "pixel > pixels", "registration::one_pixel", True),
    ("registration.cu", "i >= depth_width * depth_height", "i > depth_width * depth_height", "registration::one_pixel", True),
    ("attention.cu", "if (row < n && column < depth) {\n        memcpy", "if (column < depth) {\n        memcpy", "attention::every", True),
    ("attention.cu", "first + row < n && column < depth", "first + row < n", "attention::every", True),
    ("norm.cu", "if (row >= rows)", "if (row > rows)", "norm::rows", True),
    ("patches.cu", "if (i >= SEGMENTS)", "if (i > SEGMENTS)", "norm::every_pixel", True),
    ("group_encoder.cu", "of.points, of.count - 1), point", "of.points, of.count), point", "group_encoder::the_second", True),
    ("group_encoder.cu", "if (group >= groups)", "if (group > groups)", "group_encoder::position", True),
    ("mapping.cu", "if (place >= *pixel_count)", "if (place > *pixel_count)", "mapping::the_disc", True),
    ("mapping.cu", "if (place >= *pixel_count)", "if (place > *pixel_count)", "likelihood::the_dist", True),
    ("anomaly.cu", "i < min(along + half + 1, TILE_SIDE)", "i < along + half + 1", "anomaly::smoothing", True),
    ("fit.cu", "if (row >= n)", "if (row > n)", "fit::the_loss", True),
    ("fit.cu", "i < n; i += MEAN_THREADS", "i <= n; i += MEAN_THREADS", "fit::the_loss", True),
    ("fit.cu", "first + warp_of_thread() < c", "first + warp_of_thread() <= c", "fit::a_biass", True),
    ("fit.cu", "if (i >= count)", "if (i > count)", "fit::a_step", True),
]


def test_program():
    """Builds the tests once, and returns the path of their program."""
    command = ["cargo", "test", "--release", "--test", "cuda", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "cuda")


def sanitized():
    library = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return {
        # Shared variables are in a section of their own, which the sanitizer checks only if it is named.
        "CUDA_HOST_FLAGS": "-fsanitize=address -fsanitize-sections=cuda_shared -fno-omit-frame-pointer",
        "LD_PRELOAD": library.stdout.strip(),
        # The tests' own program is not instrumented: memory that it holds at its end is no leak of the kernels.
        "ASAN_OPTIONS": "detect_leaks=0",
    }


def run(program, tests, environment):
    """Returns whether the tests pass, and what they print."""
    command = [program, *tests]
    try:
        done = subprocess.run(
            command, env={**os.environ, **environment}, timeout=SECONDS_MAX, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
        )
    except subprocess.TimeoutExpired:
        return False, f"no end within {SECONDS_MAX} s"
    return done.returncode == 0, done.stdout


def reason(printed):
    """Returns the printed line that states why the tests failed."""
    marks = ("ERROR: AddressSanitizer", "deadlock", "no end", "the mask", "another", "and not", "differ", "panicked")
    lines = [line.strip() for line in printed.splitlines() for mark in marks[:1] if mark in line]
    lines = lines or [line.strip() for mark in marks[1:] for line in printed.splitlines() if mark in line]
    return (lines or ["the tests fail"])[0][:100]


def planted(folder, file, old, new):
    shutil.copytree(KERNELS, folder, dirs_exist_ok=True)
    text = (KERNELS / file).read_text()
    if old not in text:
        sys.exit(f"{file} no longer has {old!r}: update the fault")
    (folder / file).write_text(text.replace(old, new))


def caught_by_tests(program, watched, objects, file, old, new, test, by_sanitizer):
    """Returns whether the test fails on a copy of the kernels with the fault, and the line to print. The folder `objects`
    keeps compiled families."""
    # Each copy runs one test: compiling it fast matters more than running it fast.
    environment = {"CUDA_HOST_FLAGS": "-O1", **(watched if by_sanitizer else {}), "CUDA_HOST_OBJECTS": objects}
    with tempfile.TemporaryDirectory() as folder:
        planted(pathlib.Path(folder), file, old, new)
        passed, printed = run(program, [test], {"CUDA_HOST_KERNELS": folder, **environment})
    noticed = by_sanitizer <= ("AddressSanitizer" in printed) and "0 passed; 0 failed" not in printed
    caught = not passed and noticed
    fault = f"{file}: {' '.join(old.split())!r} -> {' '.join(new.split())!r}"
    return caught, f"{'caught' if caught else 'MISSED'} {fault}: {'' if passed else reason(printed)}"


def digest(file):
    """Of all that decides whether the faults of a kernel file are caught."""
    paths = sorted({path for pattern in SHARED for path in ROOT.glob(pattern)} | {KERNELS / file})
    decides = hashlib.sha256()
    for path in paths:
        decides.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    decides.update(repr([fault for fault in FAULTS if fault[0] == file]).encode())
    return decides.hexdigest()


def kept():
    """Returns the digest of each kernel file whose faults were all caught."""
    lines = CAUGHT.read_text().splitlines() if CAUGHT.exists() else []
    return {file: digest for digest, file in (line.split() for line in lines)}


def keep(files):
    caught = kept() | {file: digest(file) for file in files}
    caught = {file: digest for file, digest in caught.items() if (KERNELS / file).exists()}
    new = CAUGHT.with_suffix(".new")
    new.write_text("".join(f"{digest}  {file}\n" for file, digest in sorted(caught.items())))
    new.replace(CAUGHT)


def to_plant(whole):
    """Returns the faults of the files in `whole`; without files, the first that one family has to be compiled for."""
    if whole:
        return [fault for fault in FAULTS if fault[0] in whole]
    return [next(fault for fault in FAULTS if fault[0].endswith(".cu"))]


def arguments():
    files = sorted({fault[0] for fault in FAULTS})
    parser = argparse.ArgumentParser(description="The CUDA kernels under AddressSanitizer, with faults planted.")
    parser.add_argument("--all", action="store_true", help="every fault, whatever `caught` says")
    parser.add_argument("--keep", action="store_true", help="write `caught` for the files whose faults were all caught")
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"only this kernel file: {', '.join(files)}")
    given = parser.parse_args()
    if unknown := [file for file in given.files if file not in files]:
        parser.error(f"{unknown[0]}: no such kernel file, expected of {', '.join(files)}")
    return given, files


def main():
    given, files = arguments()
    if shutil.which("g++") is None:
        print("not run: no g++")
        sys.exit(NOT_RUN)
    program, watched = test_program(), sanitized()
    passed, printed = (True, "") if given.files else run(program, [], watched)
    if not passed:
        sys.exit(printed)
    if given.files:
        whole = given.files
    else:
        print("the unchanged kernels: every test passes under AddressSanitizer", flush=True)
        before = {} if given.all else kept()
        whole = [file for file in files if before.get(file) != digest(file)]
        print(f"faults are planted in {', '.join(whole) or 'no file'}; those of the other files were all caught with these "
              "sources (ci/cuda/caught)", flush=True)
    faults = to_plant(whole)
    with tempfile.TemporaryDirectory() as objects, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        missed = set()
        for fault, (caught, line) in zip(faults, pool.map(
            lambda fault: caught_by_tests(program, watched, objects, *fault), faults
        )):
            missed |= set() if caught else {fault[0]}
            print(line, flush=True)
    if given.keep:
        keep(set(whole) - missed)
    print(f"{len(faults)} faults planted" + (f", missed in {', '.join(sorted(missed))}" if missed else ", all caught"))
    if missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
