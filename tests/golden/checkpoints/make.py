"""Writes zip.pth, zip64.pth and legacy.pth in the layouts of torch.save since 1.6 and before,
with stand-ins for its classes. Needs Python 3 alone; run it in this folder.

Number i of tensor k is (i + 1) * 0.25 - k: exact in every floating-point type.
"""

import collections
import io
import pickle
import struct
import sys
import types
import zipfile


def module(name, **members):
    made = types.ModuleType(name)
    for key, member in members.items():
        member.__module__, member.__qualname__ = name, key
        setattr(made, key, member)
    sys.modules[name] = made
    return made


def function():
    def stand_in(*arguments):
        raise NotImplementedError

    return stand_in


FORMATS = {"Float": "f", "Double": "d", "Half": "e", "BFloat16": None, "Long": "q"}
CLASSES = {name: type(f"{name}Storage", (), {}) for name in FORMATS}
module("torch", **{f"{name}Storage": cls for name, cls in CLASSES.items()})
utils = module("torch._utils", _rebuild_tensor_v2=function(), _rebuild_parameter=function())
module("utils")
metric = module("utils.metrics", Metric=type("Metric", (), {}))


class Storage:
    def __init__(self, kind, values):
        self.kind, self.count = kind, len(values)
        if kind == "BFloat16":
            self.data = b"".join(struct.pack("<f", value)[2:] for value in values)
        else:
            self.data = struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.rest = storage, (offset, shape, strides)

    def __reduce_ex__(self, protocol):
        return utils._rebuild_tensor_v2, (self.storage, *self.rest, False, collections.OrderedDict())


class Parameter:
    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return utils._rebuild_parameter, (self.data, True, collections.OrderedDict())


class Pickler(pickle.Pickler):
    def __init__(self, file, view):
        super().__init__(file, protocol=2)
        self.storages, self.view = {}, view

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        key = next((k for k, s in self.storages.items() if s is value), str(len(self.storages)))
        self.storages[key] = value
        return ("storage", CLASSES[value.kind], key, "cpu", value.count) + self.view


def values(k, count):
    return [(i + 1) * 0.25 - k for i in range(count)]


def contents():
    shared = Storage("Float", values(5, 12))
    weights = collections.OrderedDict()
    weights["module.MAE_encoder.norm.weight"] = Parameter(Tensor(Storage("Float", values(0, 6)), 0, (6,), (1,)))
    weights["module.MAE_encoder.norm.bias"] = Tensor(Storage("Half", values(1, 6)), 0, (2, 3), (3, 1))
    weights["module.MAE_encoder.bf16"] = Tensor(Storage("BFloat16", values(2, 4)), 0, (4,), (1,))
    weights["module.MAE_encoder.f64"] = Tensor(Storage("Double", values(3, 4)), 0, (1, 4, 1), (4, 1, 1))
    weights["module.MAE_encoder.bn.num_batches_tracked"] = Tensor(Storage("Long", [300]), 0, (), ())
    weights["module.transposed"] = Tensor(shared, 0, (4, 3), (1, 4))
    weights["module.tail"] = Tensor(shared, 10, (2,), (1,))
    weights._metadata = collections.OrderedDict([("", {"version": 1})])
    best = metric.Metric()
    best.acc = 0.5
    return {"base_model": weights, "optimizer": {"state": {}, "lr": 1e-3, "big": 1 << 70}, "epoch": 300, "best": best}


def write_zip(path, zip64):
    pickled = io.BytesIO()
    pickler = Pickler(pickled, ())
    pickler.dump(contents())
    entries = [("data.pkl", pickled.getvalue()), ("byteorder", b"little")]
    entries += [(f"data/{key}", storage.data) for key, storage in pickler.storages.items()]
    entries += [("version", b"3\n"), (".data/serialization_id", b"0" * 40)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(f"archive/{name}")
            # Data begins at a multiple of 64 bytes; the padding is an extra field "FB".
            padding = -(archive.fp.tell() + 30 + len(info.filename) + 4) % 64
            info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
            archive.writestr(info, data)
    if zip64:
        widen(path)


def widen(path):
    """Gives the last entry and the directory their 64-bit forms, as in a file of more than 4 GiB."""
    data = bytearray(open(path, "rb").read())
    end = data.rindex(b"PK\x05\x06")
    last = data.rindex(b"PK\x01\x02")
    entries, size, at = struct.unpack_from("<HII", data, end + 10)
    packed, plain, name, extra = struct.unpack_from("<IIHH", data, last + 20)
    offset = struct.unpack_from("<I", data, last + 42)[0]
    wide = struct.pack("<HHQQQ", 1, 24, plain, packed, offset)
    struct.pack_into("<IIHH", data, last + 20, 0xFFFFFFFF, 0xFFFFFFFF, name, extra + len(wide))
    struct.pack_into("<I", data, last + 42, 0xFFFFFFFF)
    size += len(wide)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + size, 1)
    final = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    open(path, "wb").write(bytes(data[:end]) + wide + record + locator + final)


def write_legacy(path):
    with open(path, "wb") as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, protocol=2)
        pickle.dump(1001, file, protocol=2)
        sizes = dict(short=2, int=4, long=4)
        pickle.dump(dict(protocol_version=1001, little_endian=True, type_sizes=sizes), file, protocol=2)
        pickler = Pickler(file, (None,))
        pickler.dump(contents())
        keys = sorted(pickler.storages)
        pickle.dump(keys, file, protocol=2)
        for key in keys:
            file.write(struct.pack("<q", pickler.storages[key].count) + pickler.storages[key].data)


write_zip("zip.pth", False)
write_zip("zip64.pth", True)
write_legacy("legacy.pth")
