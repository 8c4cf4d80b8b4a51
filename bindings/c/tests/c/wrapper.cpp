// The C++ interface: owners that move, exceptions with a status, and several parts in a frame, of which each is inspected. Prints the
// parts as ci/c/reference.rs does.
//
//     wrapper FOLDER

#include <crosscheck.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace {

void check(bool holds, const char *what) {
    if (holds) return;
    std::fprintf(stderr, "this does not hold: %s\n", what);
    std::exit(1);
}

constexpr std::size_t WIDTH = 1280;
constexpr std::size_t HEIGHT = 720;

// The last values of a file: what comes before them is the head.
template <typename T> std::vector<T> end_of(const std::string &path, std::size_t count) {
    std::ifstream file(path, std::ios::binary);
    std::vector<T> values(count);
    file.seekg(-static_cast<std::streamoff>(count * sizeof(T)), std::ios::end);
    check(static_cast<bool>(file.read(reinterpret_cast<char *>(values.data()), static_cast<std::streamsize>(count * sizeof(T)))),
          "a file of the test is whole");
    return values;
}

unsigned bits_of(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

template <typename F> crosscheck_status status_of(F call) {
    try {
        call();
    } catch (const crosscheck::Error &error) {
        check(std::strlen(error.what()) > 0, "an error has a text");
        return error.status();
    }
    return CROSSCHECK_STATUS_OK;
}

void several_parts(const std::string &folder) {
    const auto rgb = end_of<std::uint8_t>(folder + "/several.ppm", WIDTH * HEIGHT * 3);
    const auto xyz = end_of<float>(folder + "/several.xyz", WIDTH * HEIGHT * 3);
    crosscheck::Options options;
    options.threads = 1;
    crosscheck::Inspector first(folder + "/each.safetensors", options);
    crosscheck::Inspector inspector = std::move(first);
    check(first.get() == nullptr && inspector.get() != nullptr, "an inspector moves");
    auto frame = crosscheck::Frame::of_points(WIDTH, HEIGHT, rgb.data(), xyz.data());
    crosscheck::Inspection inspection;
    check(status_of([&] { inspector.inspect(frame, inspection); }) == CROSSCHECK_STATUS_OPTION, "a part must be named");
    check(!inspection.passes() && inspection.begin() == inspection.end(), "what was refused is rejected");
    for (const auto &part : inspector.parts(frame)) {
        inspector.inspect(frame.part(part), inspection);
        check(inspection.result.verdict == CROSSCHECK_VERDICT_REJECT && inspection.begin() != inspection.end(), "there are defects");
        std::printf("part %08x %08x score %08x defects %u\n", bits_of(part[0]), bits_of(part[1]), bits_of(inspection.result.score),
                    inspection.result.defects);
    }
    check(status_of([&] { inspector.inspect(frame.part({-1, 0}), inspection); }) == CROSSCHECK_STATUS_OPTION, "a part is in view");
}

void one_part(const std::string &folder) {
    const auto rgb = end_of<std::uint8_t>(folder + "/part.ppm", 224 * 224 * 3);
    const auto xyz = end_of<float>(folder + "/part.xyz", 224 * 224 * 3);
    crosscheck::Inspector inspector(folder + "/small.safetensors");
    check(inspector.properties().threshold == 1e9f, "the properties are those of the engine");
    const auto frame = crosscheck::Frame::of_points(224, 224, rgb.data(), xyz.data());
    crosscheck::Inspection inspection;
    check(inspector.try_inspect(frame, inspection) == CROSSCHECK_STATUS_OK && inspection.passes(), "a good part passes");
    float largest = 0;
    for (const float value : inspection.anomaly_map) largest = value > largest ? value : largest;
    check(largest == inspection.result.score, "the map's largest value is the score");
    const auto narrow = crosscheck::Frame::of_points(224, 224, rgb.data(), xyz.data(), 1);
    check(inspector.try_inspect(narrow, inspection) == CROSSCHECK_STATUS_STRIDE && !inspection.passes(), "a stride is checked");
    check(inspector.text().find("stride of rgb") != std::string::npos, "the text is there");
}

}  // namespace

int main(int count, char **arguments) {
    check(count == 2, "usage: wrapper FOLDER");
    const std::string folder = arguments[1];
    check(crosscheck::version() == CROSSCHECK_VERSION, "header and library are of one version");
    check(status_of([&] { crosscheck::Inspector none(folder + "/none"); }) == CROSSCHECK_STATUS_FILE, "a file is missing");
    check(status_of([&] { crosscheck::Camera none(folder + "/part.xyz"); }) != CROSSCHECK_STATUS_OK, "it is no camera file");
    one_part(folder);
    several_parts(folder);
    return 0;
}
