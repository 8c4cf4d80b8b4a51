"""NVIDIA's run-time compiler, as much of it as turns one source into PTX."""

import ctypes


class Compiler:
    """`nvidia`: the folder of the installed packages."""

    def __init__(self, nvidia):
        folder = nvidia / "cuda_nvrtc" / "lib"
        # Loaded first, where the compiler would look for it in the system only.
        ctypes.CDLL(str(next(folder.glob("libnvrtc-builtins.so*"))), mode=ctypes.RTLD_GLOBAL)
        self.library = ctypes.CDLL(str(next(folder.glob("libnvrtc.so*"))))
        self.library.nvrtcGetErrorString.restype = ctypes.c_char_p
        self.include = nvidia / "cuda_runtime" / "include"

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status != 0:
            raise RuntimeError(f"{name}: {self.library.nvrtcGetErrorString(status).decode()}")

    def ptx(self, name, source, headers, options):
        program = ctypes.c_void_p()
        strings = lambda texts: (ctypes.c_char_p * len(texts))(*[text.encode() for text in texts])
        texts, names = strings(list(headers.values())), strings(list(headers))
        arguments = (ctypes.byref(program), source.encode(), name.encode(), len(headers), texts, names)
        self.call("nvrtcCreateProgram", *arguments)
        options = strings([*options, f"--include-path={self.include}"])
        status = self.library.nvrtcCompileProgram(program, len(options), options)
        log = self.text("ProgramLog", program)
        if status != 0 or "warning" in log:
            raise RuntimeError(f"{name}:\n{log}")
        return self.text("PTX", program)

    def text(self, what, program):
        size = ctypes.c_size_t()
        self.call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self.call(f"nvrtcGet{what}", program, text)
        return text.value.decode()
