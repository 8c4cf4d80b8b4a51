// What the driver needs of PTX: its version, and of a kernel the bytes of its parameters, its shared memory, and the limits of
// threads and registers that it is compiled for.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace standin {

struct Entry {
    std::string name;
    std::vector<size_t> parameters;
    unsigned threads_max = 1024;
    // Blocks that a multiprocessor must hold, and registers of a thread, which are given out in units of eight.
    unsigned blocks_min = 1, registers_max = 256;
    size_t shared_bytes = 0;
};

// Ten times the version, as 85 for 8.5; zero if the text says none.
inline int ptx_version(const std::string& ptx) {
    std::smatch found;
    return std::regex_search(ptx, found, std::regex(R"(\.version (\d+)\.(\d))")) ? std::stoi(found[1]) * 10 + std::stoi(found[2]) : 0;
}

inline bool find_entry(const std::string& ptx, const std::string& name, Entry& entry) {
    const size_t start = ptx.find(".visible .entry " + name + "(");
    if (start == std::string::npos) {
        return false;
    }
    const size_t next = ptx.find(".visible .entry ", start + 1);
    const std::string text = ptx.substr(start, next == std::string::npos ? next : next - start);
    const std::string head = text.substr(0, text.find('{'));
    entry = Entry{};
    entry.name = name;
    const std::regex parameter(R"(\.param \.[a-z](\d+) )");
    for (std::sregex_iterator i(head.begin(), head.end(), parameter), end; i != end; ++i) {
        entry.parameters.push_back(std::stoul((*i)[1]) / 8);
    }
    const auto limit = [&](const char* directive, unsigned& value) {
        std::smatch found;
        if (std::regex_search(head, found, std::regex(std::string("\\.") + directive + R"( (\d+))"))) {
            value = std::stoul(found[1]);
        }
    };
    limit("maxntid", entry.threads_max);
    limit("minnctapersm", entry.blocks_min);
    limit("maxnreg", entry.registers_max);
    // Declared in the kernel, or before it and named after it by the compiler.
    const std::regex shared(R"(\.shared \.align \d+ \.b8 (\w+)\[(\d+)\])");
    for (std::sregex_iterator i(ptx.begin(), ptx.end(), shared), end; i != end; ++i) {
        const bool own = text.find((*i)[1]) != std::string::npos;
        entry.shared_bytes += own ? std::stoul((*i)[2]) : 0;
    }
    return true;
}

}  // namespace standin
