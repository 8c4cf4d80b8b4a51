"""Compiles the kernels to PTX that old drivers accept, and measures what ptxas makes of it for each target.

    python3 make.py             writes *.ptx beside the sources and the table of docs/gpu.md
    python3 make.py --check     makes both again and compares: nothing is written
    --packages DIR              where NVIDIA's compilers are installed, and stay, in place of a temporary folder

The compilers come from PyPI, about 110 MB, and never enter the repository. A spill is an error.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import nvrtc
import ptxas

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parents[3] / "docs" / "gpu.md"
BEGIN, END = "<!-- kernels: begin -->\n", "<!-- kernels: end -->\n"

# PTX for compute_80 runs on everything from Ampere on: the driver compiles it for the GPU at hand.
ARCHITECTURE = "compute_80"
# Where an index is decided, or a byte must equal the CPU's, nothing may be fused.
FAMILIES = {
    "components": False, "prepare": False, "grouping": False, "sampling": False, "interpolate": False, "products": True,
    "attention": True, "norm": True, "patches": True, "group_encoder": True, "mapping": True, "anomaly": True, "fit": True,
    "registration": False,
}

COMPILER = "12.6.85"
PACKAGES = {
    "cuda-12.6": [
        f"nvidia-cuda-nvrtc-cu12=={COMPILER}",
        f"nvidia-cuda-nvcc-cu12=={COMPILER}",
        "nvidia-cuda-runtime-cu12==12.6.77",
    ],
    # The oldest assembler on PyPI that is near the oldest driver, and one that knows sm_120.
    "cuda-12.2": ["nvidia-cuda-nvcc-cu12==12.2.140"],
    "cuda-12.9": ["nvidia-cuda-nvcc-cu12==12.9.86"],
}
# What CI counts as a step that could not run here.
NOT_RUN = 77
TARGETS = {80: "cuda-12.2", 86: "cuda-12.2", 87: "cuda-12.2", 89: "cuda-12.2", 90: "cuda-12.9", 120: "cuda-12.9"}
# PTX versions from the first that knows sm_80 to the last of CUDA 11. Every driver for CUDA 12 compiles them.
VERSIONS = [f"7.{minor}" for minor in range(9)]


def install(folder):
    for name, packages in PACKAGES.items():
        target = folder / name
        if not (target / "nvidia").exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
            if subprocess.run(pip + packages).returncode != 0:
                print("not run: NVIDIA's compilers were not installed; this needs pip and PyPI (--packages DIR keeps them)")
                sys.exit(NOT_RUN)


def compile_all(folder):
    compiler = nvrtc.Compiler(folder / "cuda-12.6" / "nvidia")
    headers = {path.name: path.read_text() for path in HERE.glob("*.cuh")}
    for family, fused in FAMILIES.items():
        name = f"{family}.cu"
        options = [f"--gpu-architecture={ARCHITECTURE}", "--std=c++17", f"--fmad={str(fused).lower()}"]
        text = compiler.ptx(name, (HERE / name).read_text(), headers, options)
        # An operation without .rn may still be fused by the assembler, in the driver too.
        if not fused and re.search(r"\b(fma|mad)\.\S*f(32|64)|\b(add|sub|mul)\.f(32|64)", text):
            raise RuntimeError(f"{name}: an operation is fused, or may be")
        yield family, text


def with_version(text, version):
    text, count = re.subn(r"^\.version \S+$", f".version {version}", text, flags=re.MULTILINE)
    assert count == 1, "PTX has one version"
    return text


def with_lowest_version(made, assembler):
    """All families with the lowest PTX version that each of them needs. NVRTC writes its own, which only new drivers accept."""
    for version in VERSIONS:
        lowered = {family: with_version(text, version) for family, text in made.items()}
        wrong = {family: ptxas.refusal(family, text, min(TARGETS), assembler) for family, text in lowered.items()}
        if not any(wrong.values()):
            return version, lowered
    sys.exit("\n".join(f"{family} needs PTX newer than {version}:\n{text}" for family, text in wrong.items() if text))


def differences(made, table, document):
    for family, text in made.items():
        path = HERE / f"{family}.ptx"
        if not path.exists() or path.read_text() != text:
            yield f"{path.name} is not what {family}.cu compiles to"
    if BEGIN + table + END not in document:
        yield "the table of docs/gpu.md is not what ptxas reports"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--packages", type=pathlib.Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.packages or pathlib.Path(scratch)
        install(folder)
        assemblers = {target: folder / of / "nvidia/cuda_nvcc/bin/ptxas" for target, of in TARGETS.items()}
        version, made = with_lowest_version(dict(compile_all(folder)), assemblers[min(TARGETS)])
        kernels = ptxas.assemble_all(made, assemblers)
    table, document = ptxas.table(kernels), DOCUMENT.read_text()
    spilling = [f"{k.name} spills on sm_{k.target}: {k.spill_bytes} bytes" for k in kernels if k.spill_bytes]
    wrong = spilling + (list(differences(made, table, document)) if given.check else [])
    if wrong:
        sys.exit("\n".join(wrong + ["run python3 src/backend/cuda/kernels/make.py and commit what it writes"]))
    if not given.check:
        for family, text in made.items():
            (HERE / f"{family}.ptx").write_text(text)
        head, tail = document.split(BEGIN)[0], document.split(END)[1]
        DOCUMENT.write_text(head + BEGIN + table + END + tail)
    count = len(kernels) // len(TARGETS)
    targets = ", ".join(map(str, TARGETS))
    print(f"{count} kernels: PTX {version} {'is equal' if given.check else 'is written'}, no spill on sm_{targets}")


if __name__ == "__main__":
    main()
