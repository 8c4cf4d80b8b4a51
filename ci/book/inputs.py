"""The files that the documents' commands need and that a reader is expected to have."""

import json
import re
import shutil
import socket
import subprocess
import tomllib

from blocks import blocks
from station import Station

FIRST_STATION = "docs/station/first-station.md"


def matrix(name, rows, columns, data):
    """A matrix as OpenCV writes it."""
    return f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: [ {', '.join(map(str, data))} ]\n"


def lens(width, height, focal):
    camera = matrix("camera_matrix", 3, 3, [focal, 0.0, width / 2, 0.0, focal, height / 2, 0.0, 0.0, 1.0])
    distortion = matrix("distortion_coefficients", 1, 5, [0.1, -0.1, 0.0, 0.0, 0.0])
    return f"%YAML:1.0\n---\nimage_width: {width}\nimage_height: {height}\n{camera}{distortion}"


# A key that needs no quotes.
BARE = "[A-Za-z0-9_-]+"


def toml(table, path=""):
    """A configuration as text: what tomllib reads."""
    plain, tables = "", ""
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            tables += f"[{name}]\n{toml(value, name)}"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += "".join(f"[[{name}]]\n{toml(entry, name)}" for entry in value)
        else:
            plain += f"{key if re.fullmatch(BARE, key) else json.dumps(key)} = {inline(value)}\n"
    return plain + tables


def inline(value):
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    return json.dumps(value)


def merged(base, over):
    """`over`, with what it leaves out from `base`. A camera of another kind is whole."""
    found = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        found[key] = merged(base[key], value) if both and not (key == "camera" and "source" in value) else value
    return found


class Inputs:
    def __init__(self, root, folder, environment):
        self.root, self.folder, self.environment = root, folder, environment
        folder.mkdir()
        (folder.parent / "home/.local/share/bash-completion/completions").mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        text = (root / FIRST_STATION).read_text()
        self.station = next(tomllib.loads(b.text()) for b in blocks(text) if b.kind() == "toml" and "engine" in tomllib.loads(b.text()))
        self.made = set()

    def address(self, text):
        """A text in which a station's page is where it is in this walk."""
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")

    def within_station(self, keys):
        return toml(merged(self.station, keys))

    def run(self, command, folder):
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def parts(self):
        """A small dataset of a part, made once."""
        return self.once("parts", "crosscheck synthesize -q --out parts --part biscuit --seed 1 --train 6 --validation 12 --good 2 --defective 2")

    def engine(self):
        """A calibrated engine of that part."""
        self.parts()
        fit = "crosscheck fit -q --epochs 8 --pixels 256 --copies 0 --turned never --nominal parts/biscuit/train -o engine.safetensors"
        calibrate = "crosscheck calibrate -q --engine engine.safetensors --nominal parts/biscuit/validation --false-reject-rate 0.1"
        return self.once("engine.safetensors", f"{fit} && {calibrate}")

    def once(self, name, command):
        if name not in self.made:
            self.run(command, self.folder)
            self.made.add(name)
        return self.folder / name

    def write_station(self, folder, configuration, **more):
        """A configuration on a port of its own."""
        keys = merged(configuration, {"view": {"bind": f"127.0.0.1:{self.port}"}, **more})
        (folder / "station.toml").write_text(toml(keys))

    def prepare(self, path, folder, whole):
        """What the page's commands read. `whole`: a whole configuration on the page."""
        if whole:
            self.write_station(folder, tomllib.loads(whole))
        name = re.sub(r"\W", "_", path.removesuffix(".md").removeprefix("docs/"))
        getattr(self, f"for_{name}", lambda folder: None)(folder)

    def frame(self, folder):
        test = self.parts() / "biscuit/test/good"
        shutil.copy(test / "rgb/000.png", folder / "a.png")
        shutil.copy(test / "xyz/000.tiff", folder / "a.tiff")

    def calibrations(self, folder):
        (folder / "colour.yml").write_text(lens(1280, 720, 920.0))
        (folder / "depth.yml").write_text(lens(848, 480, 430.0))
        way = matrix("R", 3, 3, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]) + matrix("T", 3, 1, [0.015, 0.0, 0.0])
        (folder / "stereo.yml").write_text(f"%YAML:1.0\n---\n{way}")

    def for_README(self, folder):
        (folder / "parts").mkdir()
        (folder / "parts/train").symlink_to(self.parts() / "biscuit/train/good")
        (folder / "parts/validation").symlink_to(self.parts() / "biscuit/validation/good")
        self.frame(folder)

    def for_guide_scene(self, folder):
        self.frame(folder)
        (folder / "other.toml").write_text('[scene]\npart = "centre"\n')
        self.write_station(folder, self.station)
        (folder / "parts").mkdir()
        self.run("crosscheck record -q --config station.toml --out parts --nominal --parts 6", folder)

    def for_performance(self, folder):
        self.run("crosscheck import -q --variant tiny --seeded 1 -o small.safetensors", folder)
        shutil.copy(self.engine(), folder / "bracket.safetensors")
        shutil.copy(self.root / "calibration/depth-848x480-colour-1280x720.toml", folder / "camera.toml")

    def for_jetson(self, folder):
        shutil.copy(self.engine(), folder / "part.safetensors")

    def for_station_first_station(self, folder):
        self.calibrations(folder)

    def for_station_recording(self, folder):
        """A recording of this station with parts that pass and parts that do not."""
        record = {"record": {"folder": "recording", "pass_share": 1.0, "queue_frames_max": 16}}
        camera = {"camera": {"synthetic": {"defect_share": 0.5}}}
        self.write_station(folder, merged(merged(self.station, camera), record))
        station = Station("crosscheck run --config station.toml", folder, self.environment)
        station.wait("reject: active", times=4)
        assert station.end()[0] == 0
        self.write_station(folder, self.station)
        (folder / "loose.toml").write_text(toml(merged(self.station, {"engine": {"threshold": 100000.0}})))

    def for_station_trace(self, folder):
        """A trace with a run that was killed, and the one after it."""
        shutil.copy(self.engine(), folder / "engine.safetensors")
        self.write_station(folder, merged(self.station, {"engine": {"path": "engine.safetensors"}}), trace={"file": "trace.sqlite"})
        station = Station("crosscheck run --config station.toml", folder, self.environment)
        station.wait("reject: active", times=2)
        station.process.kill()
        station.process.wait()
        assert Station("crosscheck run --config station.toml", folder, self.environment).end()[0] == 0

    def account(self, folder):
        """A file with one account, whose password is given as a script gives it."""
        self.run("echo correct-horse-battery | crosscheck account add -q accounts.toml anna --role engineer", folder)

    def for_station_people(self, folder):
        """Accounts, and the audit of a station that has run."""
        self.account(folder)
        shutil.copy(self.engine(), folder / "engine.safetensors")
        self.write_station(folder, merged(self.station, {"engine": {"path": "engine.safetensors"}}), audit={"file": "audit.sqlite"}, view={"accounts": "accounts.toml", "bind": f"127.0.0.1:{self.port}"})
        station = Station("crosscheck run --config station.toml", folder, self.environment)
        station.wait("reject: active")
        assert station.end()[0] == 0

    def for_station_page(self, folder):
        """A certificate that the page could be served with."""
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout camera-3.key"
        self.run(f"openssl req -x509 {key} -out camera-3.pem -days 2 -subj /CN=camera-3.plant", folder)

    def for_station_teach(self, folder):
        self.write_station(folder, self.station, teach={"folder": "lessons"})

    def for_station_thresholds(self, folder):
        self.write_station(folder, merged(self.station, {"engine": {"threshold": 3.7507813}}), view={"bind": f"127.0.0.1:{self.port}", "token": "sixteen-signs-or-more"})

    def for_station_cameras(self, folder):
        shutil.copy(self.root / "calibration/depth-848x480-colour-1280x720.toml", folder / "camera.toml")

    def recorded(self, folder, number):
        """A part as a station records it, without its maps."""
        source, name = self.parts() / "biscuit/test/shape", f"s00000001-{number:010}"
        for kind, suffix in (("rgb", "png"), ("xyz", "tiff"), ("gt", "png")):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            shutil.copy(source / f"{kind}/000.{suffix}", folder / f"{kind}/{name}.{suffix}")
        record = {"format": 1, "part": number, "sequence": number, "captured_unix_ms": 1000, "score": 4.0, "verdict": "reject", "reason": None,
                  "threshold": 3.5, "review": None, "engine_sha256": "0" * 64, "times_ms": {}}
        (folder / "verdict").mkdir(exist_ok=True)
        (folder / f"verdict/{name}.json").write_text(json.dumps(record))

    def for_reference_cli(self, folder):
        shutil.copytree(self.parts(), folder / "parts")
        shutil.copy(self.engine(), folder / "biscuit.safetensors")
        self.run("crosscheck fit -q --score product --epochs 4 --pixels 256 --copies 0 --turned never --nominal parts/biscuit/train -o product.safetensors", folder)
        self.calibrations(folder)
        keys = {"engine": {"path": "biscuit.safetensors"}, "camera": {"synthetic": {"part": "biscuit", "seed": 1}}, "trace": {"file": "trace.sqlite"}, "audit": {"file": "audit.sqlite"}, "teach": {"folder": "lessons"}}
        self.account(folder)
        keys["recipe"] = [{"number": 1, "name": "biscuit"}, {"number": 2, "name": "biscuit, strict", "threshold": 1.5}]
        self.write_station(folder, merged(self.station, keys), view={"bind": f"127.0.0.1:{self.port}", "token": "sixteen-signs-or-more"})
        shutil.copytree(self.parts() / "biscuit/test", folder / "recording/parts/test")
        for number in (9, 12):
            self.recorded(folder / "recording/parts/test/reject", number)
        self.run("crosscheck calibrate-station -q --frames parts/biscuit/train -o belt.toml", folder)
