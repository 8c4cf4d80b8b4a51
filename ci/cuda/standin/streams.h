// Streams that work as late as they may: what is put into one runs when somebody waits for it, and then no further than
// was asked. Whatever is read without having been waited for is not there yet. A stream that is captured puts its work
// into a graph.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace standin {

// Work and what it waits for, by place; `end` is what its last piece waits for.
struct Graph {
    struct Node {
        std::function<void()> run;
        std::set<size_t> after;
    };
    std::vector<Node> nodes;
    std::set<size_t> end;
    // Whether its kernels have priorities of their own.
    bool own_priorities = false;
};

struct Stream;

struct Capture {
    std::shared_ptr<Graph> graph = std::make_shared<Graph>();
    Stream* origin;
    bool over = false, valid = true;
};

struct Stream {
    struct Work {
        uint64_t number;
        std::function<void()> run;
    };
    std::deque<Work> waiting;
    uint64_t last = 0;
    int priority = 0;
    // While it is captured: where to, and what the next work waits for.
    std::shared_ptr<Capture> capture;
    std::set<size_t> tips;
};

struct Event {
    // What it stands for: all work of the stream up to a number; nothing before it is recorded.
    Stream* stream = nullptr;
    uint64_t number = 0;
    // Or work of a capture.
    std::shared_ptr<Capture> capture;
    std::set<size_t> tips;
    // When all of that work was done, milliseconds; below zero before.
    double done_ms = -1.0;
};

inline std::set<Stream*> streams;
inline std::set<Event*> events;

inline double now_ms() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline void put(Stream* stream, std::function<void()> work) {
    if (stream->capture) {
        std::vector<Graph::Node>& nodes = stream->capture->graph->nodes;
        nodes.push_back({std::move(work), stream->tips});
        stream->tips = {nodes.size() - 1};
        return;
    }
    stream->waiting.push_back({++stream->last, std::move(work)});
}

inline void advance(Stream* stream, uint64_t number) {
    while (streams.count(stream) != 0 && !stream->waiting.empty() && stream->waiting.front().number <= number) {
        // Taken out first: the work may advance other streams, and come back here.
        const auto work = std::move(stream->waiting.front().run);
        const uint64_t done = stream->waiting.front().number;
        stream->waiting.pop_front();
        work();
        for (Event* event : events) {
            // A graph's own records have their times already.
            if (event->stream == stream && event->number == done && event->done_ms < 0.0) {
                event->done_ms = now_ms();
            }
        }
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
    *event = stream->capture ? Event{nullptr, 0, stream->capture, stream->tips} : Event{stream, stream->last, nullptr, {}};
    event->done_ms = !stream->capture && stream->waiting.empty() ? now_ms() : -1.0;
}

// `stream` goes on only after what the event stands for now. Null, or why that is not possible.
inline const char* wait(Stream* stream, const Event* event) {
    if (event->capture) {
        if (event->capture->over || (stream->capture && stream->capture != event->capture)) {
            return "a wait for an event of another capture";
        }
        stream->capture = event->capture;
        stream->tips.insert(event->tips.begin(), event->tips.end());
    } else if (stream->capture) {
        stream->capture->valid = false;
        return "a captured stream waits for an event from outside the capture";
    } else if (event->stream != nullptr && event->stream != stream) {
        put(stream, [other = event->stream, number = event->number] { advance(other, number); });
    }
    return nullptr;
}

// Ends the capture that began at `stream`. Null, or what is wrong with it.
inline const char* end_capture(Stream* stream, std::shared_ptr<Graph>& graph) {
    const std::shared_ptr<Capture> capture = stream->capture;
    if (!capture || capture->origin != stream) {
        return "the end of a capture that did not begin there";
    }
    graph = capture->graph;
    graph->end = stream->tips;
    capture->over = true;
    for (Stream* other : streams) {
        if (other->capture == capture) {
            other->capture = nullptr;
            other->tips.clear();
        }
    }
    if (!capture->valid) {
        return "a capture that something illegal was done in";
    }
    // Whatever the end does not wait for is of a stream that did not come back.
    std::set<size_t> reached = graph->end;
    for (size_t i = graph->nodes.size(); i-- > 0;) {
        if (reached.count(i) == 0) {
            return "a captured stream did not join again";
        }
        reached.insert(graph->nodes[i].after.begin(), graph->nodes[i].after.end());
    }
    return nullptr;
}

// All of it, in some order that its waits allow: another one each time.
inline void run(const Graph& graph) {
    static uint32_t random = 1;
    std::vector<bool> done(graph.nodes.size());
    for (size_t left = graph.nodes.size(); left > 0; --left) {
        std::vector<size_t> ready;
        for (size_t i = 0; i < graph.nodes.size(); ++i) {
            bool free = !done[i];
            for (size_t before : graph.nodes[i].after) {
                free = free && done[before];
            }
            if (free) {
                ready.push_back(i);
            }
        }
        random = random * 1664525 + 1013904223;
        const size_t next = ready[(random >> 16) % ready.size()];
        done[next] = true;
        graph.nodes[next].run();
    }
}

}  // namespace standin
