// The C++ interface of crosscheck: crosscheck.h with owners and exceptions. C++17, nothing to link but the C library.
//
//     crosscheck::Inspector inspector("bracket.safetensors");
//     crosscheck::Inspection inspection;
//     inspector.inspect(crosscheck::Frame::of_points(640, 480, rgb, xyz), inspection);
//     if (!inspection.passes()) reject();
//
// What crosscheck.h says of shapes, units, ownership and threads holds here too.

#ifndef CROSSCHECK_HPP
#define CROSSCHECK_HPP

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "crosscheck.h"

namespace crosscheck {

// Why a call did not do what it was asked for. What it was about was not inspected: reject the part.
class Error : public std::runtime_error {
public:
    Error(crosscheck_status status, const std::string &text)
        : std::runtime_error(text.empty() ? crosscheck_status_name(status) : text), status_(status) {}

    crosscheck_status status() const noexcept { return status_; }

private:
    crosscheck_status status_;
};

// The version of the library that the program runs with.
inline std::string version() { return crosscheck_version(); }

// How an engine is to be computed.
struct Options {
    crosscheck_precision precision = CROSSCHECK_PRECISION_F32;
    crosscheck_machine machine = CROSSCHECK_MACHINE_AUTO;
    // 0: a thread for each core that the process may use.
    std::uint32_t threads = 0;
};

// A camera file that was read. Any number of inspectors, in any threads, may use one at once.
class Camera {
public:
    explicit Camera(const std::string &path) {
        std::array<char, CROSSCHECK_TEXT_SIZE> text{};
        crosscheck_camera *camera = nullptr;
        const crosscheck_status status = crosscheck_camera_open(path.c_str(), &camera, text.data(), text.size());
        if (status != CROSSCHECK_STATUS_OK) throw Error(status, text.data());
        camera_.reset(camera);
    }

    const crosscheck_camera *get() const noexcept { return camera_.get(); }

private:
    struct Close {
        void operator()(crosscheck_camera *camera) const noexcept { crosscheck_camera_close(camera); }
    };
    std::unique_ptr<crosscheck_camera, Close> camera_;
};

// A frame in the memory of the caller, which must stay as it is while the frame is inspected. Strides are bytes from row to row;
// 0 stands for rows without a gap.
class Frame {
public:
    static Frame of_points(std::size_t width, std::size_t height, const std::uint8_t *rgb, const float *xyz,
                           std::size_t rgb_stride = 0, std::size_t xyz_stride = 0) noexcept {
        Frame frame(width, height, rgb, rgb_stride);
        frame.c_.xyz = xyz;
        frame.c_.xyz_stride = xyz_stride;
        return frame;
    }

    // The depth image has the photograph's size, unless `depth_size` says another one.
    static Frame of_depth(std::size_t width, std::size_t height, const std::uint8_t *rgb, const std::uint16_t *depth,
                          const Camera &camera, std::size_t rgb_stride = 0, std::size_t depth_stride = 0) noexcept {
        Frame frame(width, height, rgb, rgb_stride);
        frame.c_.depth = depth;
        frame.c_.depth_stride = depth_stride;
        frame.c_.camera = camera.get();
        return frame;
    }

    Frame &depth_size(std::size_t width, std::size_t height) noexcept {
        c_.depth_width = width;
        c_.depth_height = height;
        return *this;
    }

    // Names the part that is to be inspected, as Inspector::parts has found it.
    Frame &part(const std::array<float, 2> &middle) noexcept {
        part_ = middle;
        has_part_ = true;
        return *this;
    }

    // The frame as C has it, while this one lives and does not move.
    crosscheck_frame c() const noexcept {
        crosscheck_frame frame = c_;
        frame.part = has_part_ ? part_.data() : nullptr;
        return frame;
    }

private:
    Frame(std::size_t width, std::size_t height, const std::uint8_t *rgb, std::size_t rgb_stride) noexcept {
        c_.struct_size = sizeof c_;
        c_.width = width;
        c_.height = height;
        c_.rgb = rgb;
        c_.rgb_stride = rgb_stride;
    }

    crosscheck_frame c_{};
    std::array<float, 2> part_{};
    bool has_part_ = false;
};

// What was found in a frame. Its memory is allocated once: inspect frame after frame into one.
class Inspection {
public:
    Inspection()
        : anomaly_map(CROSSCHECK_MAP_PIXELS), psi_rgb(CROSSCHECK_MAP_PIXELS), psi_xyz(CROSSCHECK_MAP_PIXELS),
          valid(CROSSCHECK_MAP_PIXELS), defects_(CROSSCHECK_DEFECTS_MAX) {
        result.struct_size = sizeof result;
    }

    // Whether the part was judged and is good.
    bool passes() const noexcept { return result.verdict == CROSSCHECK_VERDICT_PASS; }

    // The defects with the highest scores, the highest first; result.defects counts the others too.
    const crosscheck_defect *begin() const noexcept { return defects_.data(); }
    const crosscheck_defect *end() const noexcept { return defects_.data() + result.defects_written; }

    crosscheck_result result{};
    // Maps of 224 x 224 network pixels, row by row.
    std::vector<float> anomaly_map;
    std::vector<float> psi_rgb;
    std::vector<float> psi_xyz;
    std::vector<std::uint8_t> valid;

private:
    friend class Inspector;
    std::vector<crosscheck_defect> defects_;
};

// An engine that is ready to inspect frames. One thread at a time may use it.
class Inspector {
public:
    explicit Inspector(const std::string &path, const Options &options = {}) {
        std::array<char, CROSSCHECK_TEXT_SIZE> text{};
        crosscheck_options c{};
        c.struct_size = sizeof c;
        c.precision = options.precision;
        c.machine = options.machine;
        c.threads = options.threads;
        crosscheck_inspector *inspector = nullptr;
        const crosscheck_status status =
            crosscheck_inspector_open(path.c_str(), &c, &inspector, text.data(), text.size());
        if (status != CROSSCHECK_STATUS_OK) throw Error(status, text.data());
        inspector_.reset(inspector);
    }

    crosscheck_properties properties() const {
        crosscheck_properties properties{};
        properties.struct_size = sizeof properties;
        const crosscheck_status status = crosscheck_inspector_properties(inspector_.get(), &properties);
        if (status != CROSSCHECK_STATUS_OK) throw Error(status, "");
        return properties;
    }

    // Inspects a frame into `inspection`. After an exception the inspection says "reject, not inspected".
    void inspect(const Frame &frame, Inspection &inspection) {
        const crosscheck_status status = try_inspect(frame, inspection);
        if (status != CROSSCHECK_STATUS_OK) throw Error(status, text());
    }

    // The same without an exception, and without allocating after the first frame of a size.
    crosscheck_status try_inspect(const Frame &frame, Inspection &inspection) noexcept {
        crosscheck_outputs outputs{};
        outputs.struct_size = sizeof outputs;
        outputs.map_size = CROSSCHECK_MAP_PIXELS;
        outputs.anomaly_map = inspection.anomaly_map.data();
        outputs.psi_rgb = inspection.psi_rgb.data();
        outputs.psi_xyz = inspection.psi_xyz.data();
        outputs.valid = inspection.valid.data();
        outputs.defects = inspection.defects_.data();
        outputs.defect_size = sizeof(crosscheck_defect);
        outputs.defects_max = inspection.defects_.size();
        const crosscheck_frame c = frame.c();
        return crosscheck_inspect(inspector_.get(), &c, &outputs, &inspection.result);
    }

    // The middles of the parts of a frame, each for Frame::part of a frame of its own.
    std::vector<std::array<float, 2>> parts(const Frame &frame) {
        const crosscheck_frame c = frame.c();
        std::size_t count = 0;
        crosscheck_status status = crosscheck_inspector_parts(inspector_.get(), &c, nullptr, 0, &count);
        if (status != CROSSCHECK_STATUS_OK) throw Error(status, text());
        std::vector<float> places(2 * count);
        status = crosscheck_inspector_parts(inspector_.get(), &c, places.data(), count, &count);
        if (status != CROSSCHECK_STATUS_OK) throw Error(status, text());
        std::vector<std::array<float, 2>> parts;
        for (std::size_t i = 0; i < places.size(); i += 2) parts.push_back({places[i], places[i + 1]});
        return parts;
    }

    // The text of the error of the last call; empty if there was none.
    std::string text() const {
        std::array<char, CROSSCHECK_TEXT_SIZE> text{};
        crosscheck_inspector_text(inspector_.get(), text.data(), text.size());
        return text.data();
    }

    crosscheck_inspector *get() const noexcept { return inspector_.get(); }

private:
    struct Close {
        void operator()(crosscheck_inspector *inspector) const noexcept { crosscheck_inspector_close(inspector); }
    };
    std::unique_ptr<crosscheck_inspector, Close> inspector_;
};

}  // namespace crosscheck

#endif  // CROSSCHECK_HPP
