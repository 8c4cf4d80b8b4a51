"""What NVIDIA's assembler reports of each kernel, and how many of its blocks a multiprocessor holds."""

import dataclasses
import pathlib
import re
import subprocess
import tempfile

# Of one multiprocessor, by compute capability: shared memory in bytes and blocks it holds (CUDA programming guide,
# "Technical Specifications per Compute Capability"); all three have 64 K registers and 48 warps.
SHARED = {87: 164 << 10, 89: 100 << 10, 120: 100 << 10}
BLOCKS = {87: 16, 89: 24, 120: 24}
REGISTERS, WARPS = 65536, 48
# What the system takes of a block's shared memory, and the units that registers and shared memory are given out in.
SHARED_RESERVED, SHARED_UNIT, REGISTER_UNIT = 1024, 128, 256


@dataclasses.dataclass
class Kernel:
    family: str
    name: str
    target: int
    threads: int
    registers: int
    shared_bytes: int
    spill_bytes: int

    def occupancy(self):
        """Resident warps, of 48."""
        warps = -(-self.threads // 32)
        per_warp = -(-self.registers * 32 // REGISTER_UNIT) * REGISTER_UNIT
        # A scheduler has a quarter of the registers, and warps are spread over four of them.
        by_registers = REGISTERS // 4 // per_warp * 4 // warps
        shared = -(-(self.shared_bytes + SHARED_RESERVED) // SHARED_UNIT) * SHARED_UNIT
        return warps * min(WARPS // warps, BLOCKS[self.target], by_registers, SHARED[self.target] // shared)


def assemble(family, text, target, assembler):
    threads = dict(re.findall(r"\.entry (\w+)\(.*?\.maxntid (\d+)", text, re.DOTALL))
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / f"{family}.ptx"
        source.write_text(text)
        command = [str(assembler), "-v", f"--gpu-name=sm_{target}", str(source), "-o", str(source.with_suffix(".cubin"))]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{family} on sm_{target}:\n{done.stderr}")
    for name, report in re.findall(r"Compiling entry function '(\w+)'.*?\n(.*?Used [^\n]*)", done.stderr, re.DOTALL):
        number = lambda pattern: int((re.search(pattern, report) or [0, 0])[1])
        spills = number(r"(\d+) bytes stack frame") + number(r"(\d+) bytes spill stores")
        registers, shared = number(r"Used (\d+) registers"), number(r"(\d+) bytes smem")
        yield Kernel(family, name, target, int(threads[name]), registers, shared, spills)


def assemble_all(made, assemblers):
    kernels = []
    for target, assembler in assemblers.items():
        for family, text in made.items():
            found = list(assemble(family, text, target, assembler))
            assert len(found) == text.count(".entry "), f"ptxas does not report every kernel of {family}"
            kernels += found
    return kernels


def table(kernels):
    targets = sorted({kernel.target for kernel in kernels})
    lines = [
        "| family | kernel | threads | shared memory, bytes | registers on " + ", ".join(f"sm_{t}" for t in targets)
        + " | resident warps of 48 |",
        "|---|---|---|---|---|---|",
    ]
    for first in (k for k in kernels if k.target == targets[0]):
        same = [k for t in targets for k in kernels if (k.name, k.target) == (first.name, t)]
        registers = ", ".join(str(k.registers) for k in same)
        warps = ", ".join(str(k.occupancy()) for k in same)
        lines.append(f"| {first.family} | `{first.name}` | {first.threads} | {first.shared_bytes} | {registers} | {warps} |")
    return "\n".join(lines) + "\n"
