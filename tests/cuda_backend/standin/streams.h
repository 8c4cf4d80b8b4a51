// Streams that work as late as they may: what is put into one runs when somebody waits for it, and then no further than
// was asked. Whatever is read without having been waited for is not there yet.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>

namespace standin {

struct Stream {
    struct Work {
        uint64_t number;
        std::function<void()> run;
    };
    std::deque<Work> waiting;
    uint64_t last = 0;
};

struct Event {
    // What it stands for: all work of the stream up to a number; nothing before it is recorded.
    Stream* stream = nullptr;
    uint64_t number = 0;
};

inline std::set<Stream*> streams;
inline std::set<Event*> events;

inline void put(Stream* stream, std::function<void()> work) {
    stream->waiting.push_back({++stream->last, std::move(work)});
}

inline void advance(Stream* stream, uint64_t number) {
    while (streams.count(stream) != 0 && !stream->waiting.empty() && stream->waiting.front().number <= number) {
        // Taken out first: the work may advance other streams, and come back here.
        const auto work = std::move(stream->waiting.front().run);
        stream->waiting.pop_front();
        work();
    }
}

inline void finish(Stream* stream) {
    advance(stream, stream->last);
}

inline void finish_all() {
    for (Stream* stream : std::set<Stream*>(streams)) {
        finish(stream);
    }
}

inline void record(Event* event, Stream* stream) {
    *event = {stream, stream->last};
}

// `stream` goes on only after what the event stands for now.
inline void wait(Stream* stream, const Event* event) {
    if (event->stream != nullptr && event->stream != stream) {
        put(stream, [other = event->stream, number = event->number] { advance(other, number); });
    }
}

}  // namespace standin
