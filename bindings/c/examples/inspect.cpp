// Inspects one frame and prints what was found: inspect.c in C++.
//
//     inspect ENGINE PHOTOGRAPH.ppm POINTS.xyz
//     inspect ENGINE PHOTOGRAPH.ppm DEPTH.pgm CAMERA.toml
//
// Exit code 0: pass, or the engine has no threshold; 1: reject or review; 2: error.

#include <crosscheck.hpp>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Image {
    std::size_t width = 0;
    std::size_t height = 0;
    std::vector<std::uint8_t> bytes;
};

std::vector<std::uint8_t> read_rest(std::istream &file, const std::string &path, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    if (!file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(size)))
        throw std::runtime_error(path + " has fewer bytes of pixels than its size asks for");
    return bytes;
}

// A binary PPM of 8 bits (P6) or PGM of 16 bits (P5).
Image read_portable(const std::string &path, const std::string &kind, unsigned most, std::size_t bytes) {
    std::ifstream file(path, std::ios::binary);
    std::string found;
    unsigned found_most = 0;
    Image image;
    if (!(file >> found >> image.width >> image.height >> found_most) || found != kind || found_most != most
        || image.width > 8192 || image.height > 8192)
        throw std::runtime_error(path + " is not a " + kind + " file of values up to " + std::to_string(most));
    file.get();
    image.bytes = read_rest(file, path, image.width * image.height * bytes);
    return image;
}

void print(const crosscheck::Inspection &inspection) {
    static const char *const verdicts[] = {"reject", "review", "pass", "none"};
    static const char *const kinds[] = {"unknown", "colour", "shape", "mismatch", "missing", "excess"};
    const crosscheck_result &result = inspection.result;
    std::uint32_t bits;
    std::memcpy(&bits, &result.score, sizeof bits);
    if (result.reason == CROSSCHECK_REASON_NONE) std::printf("score    %f (bits %08x)\n", result.score, bits);
    std::printf("verdict  %s, threshold %f\n", verdicts[result.verdict], result.threshold);
    for (const crosscheck_defect &defect : inspection)
        std::printf("defect   %s at column %.0f, row %.0f: %.1f mm2, score %.4f\n", kinds[defect.kind], defect.centre[0],
                    defect.centre[1], defect.area_mm2, defect.score);
    std::printf("time     %.1f ms\n", static_cast<double>(result.total_ns) / 1e6);
}

int inspect(int count, char **arguments) {
    crosscheck::Inspector inspector(arguments[1]);
    const Image photograph = read_portable(arguments[2], "P6", 255, 3);
    const auto &[width, height, rgb] = photograph;
    crosscheck::Inspection inspection;
    if (count == 4) {
        std::ifstream file(arguments[3], std::ios::binary);
        const auto bytes = read_rest(file, arguments[3], width * height * 3 * sizeof(float));
        std::vector<float> xyz(width * height * 3);
        std::memcpy(xyz.data(), bytes.data(), bytes.size());
        inspector.inspect(crosscheck::Frame::of_points(width, height, rgb.data(), xyz.data()), inspection);
    } else {
        const crosscheck::Camera camera(arguments[4]);
        const Image image = read_portable(arguments[3], "P5", 65535, 2);
        std::vector<std::uint16_t> depth(image.width * image.height);
        for (std::size_t i = 0; i < depth.size(); i++)
            depth[i] = static_cast<std::uint16_t>(image.bytes[2 * i] << 8 | image.bytes[2 * i + 1]);
        auto frame = crosscheck::Frame::of_depth(width, height, rgb.data(), depth.data(), camera);
        inspector.inspect(frame.depth_size(image.width, image.height), inspection);
    }
    print(inspection);
    return inspection.passes() || inspection.result.verdict == CROSSCHECK_VERDICT_NONE ? 0 : 1;
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 4 && count != 5) {
        std::fprintf(stderr, "usage: %s ENGINE PHOTOGRAPH.ppm POINTS.xyz | DEPTH.pgm CAMERA.toml\n", arguments[0]);
        return 2;
    }
    try {
        return inspect(count, arguments);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
}
