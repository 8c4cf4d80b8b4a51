"""Runs the commands of the documents with the built program, page after page, each in a folder of its own.

usage: walk.py PROGRAM [WORD...]   WORD: only pages whose path has one of these words, with those that share their folder

- Each line of a shell in README.md, CONTRIBUTING.md and docs/ is run, with fewer frames and less learning than the page has.
- It ends with the exit code that the page implies, and prints the lines that the page shows, but for their numbers.
- A command that cannot be run here is named with a reason in a table of docs/testing.md, or its block is preceded by
  <!-- not run: REASON -->. A command that is neither run nor named is a mistake, and so is a row that names none.
- Each block of a station's configuration is checked by check-config, alone or within the first station's.

Exit code 1: something is wrong.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

from blocks import blocks
from inputs import Inputs
from station import WAIT_S, Station

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = "## Commands of the documents that are not run"
TOKEN = "sixteen-signs-or-more"
# Pages that go on in the folder of another one, in this order.
TOGETHER = {
    "guide": [f"docs/guide/{name}.md" for name in ("your-parts", "fit", "calibrate", "inspect", "evaluate", "scene", "engines", "files")],
    "station": [f"docs/station/{name}.md" for name in ("first-station", "recording", "triggers", "thresholds", "page", "recipes", "cameras", "drift")]
    + ["docs/security.md"],
}
# Less work than the pages have: for commands with these words the value of an option, which is added where it is left out;
# with "?" only there, and with a value behind it only in its place.
LEARN = {"--epochs": "8", "--pixels": "256", "--copies": "0", "--turned": "never"}
QUICK = [
    ("synthesize", "", {"--train": "4", "--validation": "10", "--good": "1", "--defective": "1"}),
    ("synthesize", "--family solids", {"--part?": "flange"}),
    ("synthesize", "flange", {"--train": "1", "--validation": "0", "--good": "0", "--defective": "0"}),
    ("synthesize", "bracket", {"--train": "1", "--validation": "0", "--good": "0", "--defective": "0"}),
    ("synthesize", "", {"--part?": "puck"}),
    ("fit", "", LEARN),
    ("calibrate", "", {"--false-reject-rate 0.01": "0.1", "--review-rate 0.05": "0.3"}),
    ("evaluate", "", {**LEARN, "--false-reject-rate": "0.1"}),
    ("calibrate-station", "--config", {"--parts": "4"}),
    ("record", "", {"--parts": "4", "--validation": "9"}),
    ("teach", "--collect", {"--parts": "4", "--validation": "9"}),
    # What runs beside this would keep the processor from a step that leaves it to everybody else.
    ("teach", "--false-reject-rate", {"--epochs": "4", "--eager?": ""}),
    ("teach", "--step", {"--eager?": ""}),
    ("bench", "--line", {"--seconds": "3"}),
    ("bench", "", {"--frames": "3"}),
]
# What a fit prints of the trial that LEARN leaves out, and of the parts that it holds out of more parts than there are here.
OF_A_WHOLE_FIT = ("turned copies are used", "held out")


def quick(command):
    """A command that does less. Its comment is left out."""
    command = command_of(command)
    for name, needed, options in QUICK:
        if not re.search(rf"\bcrosscheck {name}(?![\w-])", command) or needed not in command or ("--line" in command and needed != "--line"):
            continue
        for option, value in options.items():
            option, _, old = option.partition(" ")
            only_if_left_out = option.endswith("?")
            option = option.rstrip("?")
            if old:
                command = re.sub(rf"{option} {re.escape(old)}(?=\s|$)", f"{option} {value}", command)
            elif f"{option} " not in command:
                command = re.sub(rf"(crosscheck {name})", rf"\1 {option} {value}", command)
            elif not only_if_left_out:
                command = re.sub(rf"{option} \S+", f"{option} {value}", command)
    return command


def command_of(text):
    """A command without its comment."""
    return re.sub(r"\s+# .*", "", text)


def plain(text):
    """A text without what differs from run to run: numbers, keys, modules of the log, and line breaks."""
    text = re.sub(r"\[(\w+) +crosscheck::[\w:]+\]", r"[\1]", text)
    text = re.sub(r"\bRW[\w+/]{50,}={0,2}|\b[0-9A-F]{16}\b", "KEY", text)
    return " ".join(re.sub(r"-?\b\d+(\.\d+)?(e-?\d+)?\b", "0", text).split())


def expected_codes(command, shown):
    """The exit codes that a page implies by what it shows."""
    text = "\n".join(shown)
    if re.search(r"^crosscheck: ", text, re.MULTILINE):
        return {2}
    if "crosscheck doctor" in command:
        return {0, 1}
    if "crosscheck inspect" in command:
        return {1} if re.search(r"verdict +reject", text) else {0} if shown else {0, 1}
    if "crosscheck replay" in command:
        return {1} if "<- was" in text else {0} if shown else {0, 1}
    return {0}


def excuses():
    """The words of commands that are not run, with why."""
    rows = (ROOT / "docs/testing.md").read_text().split(f"{TABLE}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `([^`]+)` \| (.+) \|$", rows, re.MULTILINE)
    assert found, f"docs/testing.md has no rows in \"{TABLE}\""
    return dict(found)


class Walk:
    def __init__(self, program, scratch):
        self.scratch = scratch
        (scratch / "bin").mkdir()
        (scratch / "bin/crosscheck").symlink_to(program.resolve())
        self.environment = {**os.environ, "PATH": f"{scratch / 'bin'}:{os.environ['PATH']}", "HOME": str(scratch / "home")}
        # Beside other programs, threads that wait for one another take many times as long as one alone.
        self.environment["RAYON_NUM_THREADS"] = "1"
        self.inputs = Inputs(ROOT, scratch / "inputs", self.environment)
        self.excuses, self.used = excuses(), set()
        self.mistakes, self.ran, self.marked, self.configurations = [], 0, 0, 0

    def page(self, path, folder):
        """Runs all of a page."""
        folder.mkdir(parents=True, exist_ok=True)
        found = blocks((ROOT / path).read_text())
        tables = [block for block in found if block.kind() == "toml" and not block.excuse]
        whole = next((block.text() for block in tables if {"engine", "camera", "trigger", "reject"} <= tomllib.loads(block.text()).keys()), None)
        try:
            self.inputs.prepare(path, folder, whole)
        except (AssertionError, RuntimeError) as error:
            self.mistakes.append(f"{path}: what its commands read cannot be made: {error}")
            return
        for block in tables:
            self.configuration(path, block, folder)
        # What a page lists first and then shows with its output is run once.
        shown_later = {command_of(command) for block in found for _, command, shown in block.commands() if shown}
        station = None
        for block in found:
            if block.kind() not in ("shell", "console"):
                continue
            if block.excuse:
                self.marked += 1
                continue
            for line, command, shown in block.commands():
                if not shown and (command_of(command) in shown_later):
                    continue
                if words := [words for words in self.excuses if words in command_of(command)]:
                    self.used.update(words)
                    continue
                about = f"{path}:{line}: {command}"
                began = time.monotonic()
                if command.startswith(("curl", "crosscheck recipe")) or " curl " in command:
                    station = station or self.start("crosscheck run --config station.toml", folder, about)
                if command.startswith("crosscheck run"):
                    self.end(station, about, [])
                    station = self.start(command, folder, about)
                    self.end(station, about, shown)
                    station = None
                else:
                    self.run(command, shown, folder, about)
                print(f"{about}  ({time.monotonic() - began:.1f} s)", flush=True)
                self.ran += 1
        self.end(station, path, [])

    def start(self, command, folder, about):
        try:
            return Station(command, folder, self.environment)
        except RuntimeError as error:
            self.mistakes.append(f"{about}: {error}")
            return None

    def end(self, station, about, shown):
        if station is None:
            return
        code, log = station.end()
        if code != 0:
            self.mistakes.append(f"{about}: the station ended with exit code {code}:\n{log}")
        self.compare(about, shown, log)

    def run(self, command, shown, folder, about):
        """Runs a command, and compares its exit code and what it prints with the page."""
        text = self.inputs.address(quick(command)).replace("TOKEN", TOKEN)
        # A dataset that the page's earlier commands were given is what this one makes.
        if made := re.search(r"crosscheck synthesize .*--out (\w+)", text):
            shutil.rmtree(folder / made.group(1), ignore_errors=True)
        bash = ["timeout", str(WAIT_S), "bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(bash, cwd=folder, env=self.environment, capture_output=True, text=True)
        output = done.stdout + done.stderr
        codes = expected_codes(command, shown)
        if done.returncode not in codes:
            self.mistakes.append(f"{about}: exit code {done.returncode}, expected {' or '.join(map(str, sorted(codes)))}; run as {text}\n{output}")
        # What a machine permits differs from machine to machine.
        elif "crosscheck doctor" not in command:
            self.compare(about, shown, output)

    def compare(self, about, shown, output):
        printed = plain(output)
        missing = [line for line in shown if line.strip() not in ("", "...") and not any(words in line for words in OF_A_WHOLE_FIT) and plain(line) not in printed]
        if missing:
            lines = "\n".join(f"    {line}" for line in missing)
            self.mistakes.append(f"{about}: does not print\n{lines}\nbut\n{output}")

    def configuration(self, path, block, folder):
        """check-config of a block, within the first station's configuration where it is not a whole one."""
        keys = tomllib.loads(block.text())
        if not set(keys) <= {"engine", "camera", "trigger", "encoder", "reject", "actuator", "gpio", "record", "view", "mqtt", "scene", "regions", "recipe", "plc", "trace", "audit"}:
            return
        (folder / "checked.toml").write_text(self.inputs.within_station(keys))
        done = subprocess.run(["crosscheck", "check-config", "checked.toml"], cwd=folder, env=self.environment, capture_output=True, text=True)
        self.configurations += 1
        if done.returncode != 0:
            self.mistakes.append(f"{path}:{block.line}: check-config refuses this:\n{done.stderr}")


def plants():
    """What this finds in a page is what is wrong there, and nothing else."""
    page = "Text:\n\n    $ crosscheck inspect \\\n        --json  # why\n    score  1.5\n\n<!-- not run: no camera -->\n\n    sudo x\n\n" \
        "Then\n\n    a -> b\n\nand\n\n    [view]\n    bind = \"x\"\n\n```text\ncrosscheck fit [OPTIONS]\n```\n- one\n    goes on\n"
    found = blocks(page)
    assert [block.kind() for block in found] == ["console", "shell", "text", "toml", "usage"], found
    assert found[0].commands() == [(3, "crosscheck inspect     --json  # why", ["score  1.5"])], found[0].commands()
    assert [block.excuse for block in found] == [None, "no camera", None, None, None]
    assert plain("[INFO  crosscheck::cli::fit] wrote -1.5 mm") == plain("[INFO] wrote 2\nmm") != plain("[INFO] wrote 2 cm")
    assert quick("crosscheck fit --nominal a --epochs 9 -o b  # c").endswith("--copies 0 --pixels 256 --nominal a --epochs 8 -o b")
    assert expected_codes("crosscheck fit", ["crosscheck: no"]) == {2} and expected_codes("crosscheck fit", []) == {0}


def pages():
    """All pages, with the folder that each is walked in."""
    together = {page: folder for folder, pages in TOGETHER.items() for page in pages}
    rest = ["README.md", "CONTRIBUTING.md"] + sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
    for page in [*together, *(page for page in rest if page not in together)]:
        yield page, together.get(page, page.removesuffix(".md"))


def main(program, words):
    began = time.monotonic()
    plants()
    with tempfile.TemporaryDirectory() as scratch:
        walk = Walk(pathlib.Path(program), pathlib.Path(scratch))
        chosen = {folder for page, folder in pages() if not words or any(word in page for word in words)}
        for page, folder in pages():
            if folder in chosen:
                walk.page(page, walk.scratch / "pages" / folder)
    if not words:
        unused = walk.excuses.keys() - walk.used
        walk.mistakes += [f"docs/testing.md: no command has `{one}`" for one in sorted(unused)]
    print(*walk.mistakes, sep="\n\n")
    print(f"{walk.ran} commands run, {walk.marked} blocks not run, {walk.configurations} configurations checked, {len(walk.mistakes)} mistakes, "
          f"{time.monotonic() - began:.0f} s")
    return 1 if walk.mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
