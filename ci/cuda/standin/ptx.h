// What the driver needs of a kernel's PTX: bytes of its parameters, the threads it is made for, its shared memory.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace standin {

struct Entry {
    std::string name;
    std::vector<size_t> parameters;
    unsigned threads_max = 1024;
    size_t shared_bytes = 0;
};

inline bool find_entry(const std::string& ptx, const std::string& name, Entry& entry) {
    const size_t start = ptx.find(".visible .entry " + name + "(");
    if (start == std::string::npos) {
        return false;
    }
    const size_t next = ptx.find(".visible .entry ", start + 1);
    const std::string text = ptx.substr(start, next == std::string::npos ? next : next - start);
    const std::string head = text.substr(0, text.find('{'));
    entry = {name, {}, 1024, 0};
    const std::regex parameter(R"(\.param \.[a-z](\d+) )"), threads(R"(\.maxntid (\d+))");
    for (std::sregex_iterator i(head.begin(), head.end(), parameter), end; i != end; ++i) {
        entry.parameters.push_back(std::stoul((*i)[1]) / 8);
    }
    std::smatch found;
    if (std::regex_search(head, found, threads)) {
        entry.threads_max = std::stoul(found[1]);
    }
    // Declared in the kernel, or before it and named after it by the compiler.
    const std::regex shared(R"(\.shared \.align \d+ \.b8 (\w+)\[(\d+)\])");
    for (std::sregex_iterator i(ptx.begin(), ptx.end(), shared), end; i != end; ++i) {
        const bool own = text.find((*i)[1]) != std::string::npos;
        entry.shared_bytes += own ? std::stoul((*i)[2]) : 0;
    }
    return true;
}

}  // namespace standin
