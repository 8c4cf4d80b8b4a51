"""Compiles the kernels to PTX and measures what ptxas makes of it for each target.

    python3 make.py             writes *.ptx beside the sources and the table of docs/gpu.md
    python3 make.py --check     makes both again and compares: nothing is written
    --packages DIR              where NVIDIA's compilers are installed, and stay, in place of a temporary folder

The compilers come from PyPI, about 90 MB, and never enter the repository. A spill is an error.
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
    "prepare": False, "grouping": False, "interpolate": False, "products": True, "mapping": True, "anomaly": True,
    "fit": True, "registration": False,
}

COMPILER = "12.6.85"
PACKAGES = {
    "cuda-12.6": [
        f"nvidia-cuda-nvrtc-cu12=={COMPILER}",
        f"nvidia-cuda-nvcc-cu12=={COMPILER}",
        "nvidia-cuda-runtime-cu12==12.6.77",
    ],
    # The first assembler of this line that knows sm_120.
    "cuda-12.9": ["nvidia-cuda-nvcc-cu12==12.9.86"],
}
# What CI counts as a step that could not run here.
NOT_RUN = 77
TARGETS = {87: "cuda-12.6", 89: "cuda-12.6", 120: "cuda-12.9"}


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
        made = dict(compile_all(folder))
        assemblers = {target: folder / of / "nvidia/cuda_nvcc/bin/ptxas" for target, of in TARGETS.items()}
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
    print(f"{count} kernels: PTX {'equal to' if given.check else 'written'} NVRTC {COMPILER}'s, no spill on sm_87, 89, 120")


if __name__ == "__main__":
    main()
