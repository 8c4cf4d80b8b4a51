"""What NVIDIA's assembler reports of each kernel, and how many of its blocks a multiprocessor holds."""

import dataclasses
import pathlib
import re
import subprocess
import tempfile

# Of one multiprocessor, by compute capability: shared memory in bytes, blocks and warps that it holds (CUDA programming
# guide, "Technical Specifications per Compute Capability"). All have 64 K registers.
SHARED = {80: 164 << 10, 86: 100 << 10, 87: 164 << 10, 89: 100 << 10, 90: 228 << 10, 120: 100 << 10}
BLOCKS = {80: 32, 86: 16, 87: 16, 89: 24, 90: 32, 120: 24}
WARPS = {80: 64, 86: 48, 87: 48, 89: 48, 90: 64, 120: 48}
REGISTERS = 65536
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
        """Resident warps, of `WARPS`."""
        warps = -(-self.threads // 32)
        per_warp = -(-self.registers * 32 // REGISTER_UNIT) * REGISTER_UNIT
        # A scheduler has a quarter of the registers, and warps are spread over four of them.
        by_registers = REGISTERS // 4 // per_warp * 4 // warps
        shared = -(-(self.shared_bytes + SHARED_RESERVED) // SHARED_UNIT) * SHARED_UNIT
        return warps * min(WARPS[self.target] // warps, BLOCKS[self.target], by_registers, SHARED[self.target] // shared)


def run(family, text, target, assembler):
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / f"{family}.ptx"
        source.write_text(text)
        command = [str(assembler), "-v", f"--gpu-name=sm_{target}", str(source), "-o", str(source.with_suffix(".cubin"))]
        return subprocess.run(command, capture_output=True, text=True)


def refusal(family, text, target, assembler):
    """What the assembler says against the text; empty if it accepts it."""
    done = run(family, text, target, assembler)
    return done.stderr if done.returncode != 0 else ""


def assemble(family, text, target, assembler):
    threads = dict(re.findall(r"\.entry (\w+)\(.*?\.maxntid (\d+)", text, re.DOTALL))
    done = run(family, text, target, assembler)
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


def summary(values):
    """The number that most targets have, and those that have another: `40`, or `40 (sm_120: 48)`."""
    numbers = list(values.values())
    usual = max(numbers, key=lambda number: (numbers.count(number), -number))
    others = {}
    for target, number in values.items():
        if number != usual:
            others.setdefault(number, []).append(f"sm_{target}")
    notes = "; ".join(f"{', '.join(names)}: {number}" for number, names in others.items())
    return f"{usual} ({notes})" if notes else f"{usual}"


def table(kernels):
    targets = sorted({kernel.target for kernel in kernels})
    lines = [
        "| family | kernel | threads | shared memory, bytes | registers | resident warps of 48 | of 64 (sm_80, sm_90) |",
        "|---|---|---|---|---|---|---|",
    ]
    for first in (k for k in kernels if k.target == targets[0]):
        same = {t: k for t in targets for k in kernels if (k.name, k.target) == (first.name, t)}
        registers = summary({t: k.registers for t, k in same.items()})
        warps = [summary({t: k.occupancy() for t, k in same.items() if WARPS[t] == of}) for of in (48, 64)]
        cells = [first.family, f"`{first.name}`", first.threads, first.shared_bytes, registers, *warps]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"
