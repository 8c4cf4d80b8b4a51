#!/usr/bin/env bash
# Whether libclang and its headers are there, which the crate v4l needs at build time.
find /usr/lib/llvm-*/lib /usr/lib/*-linux-gnu /usr/lib64 -maxdepth 1 -name 'libclang*.so*' ! -name 'libclang-cpp*' 2> /dev/null | grep -q . \
    && find /usr/lib/llvm-*/lib/clang /usr/lib/clang /usr/lib64/clang -path '*include/stddef.h' 2> /dev/null | grep -q .
