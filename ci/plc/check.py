"""What pymodbus reads of a running station and commands it to do, beside /metrics, and what a flood of clients changes.

usage: check.py PORT-OF-THE-PLC PORT-OF-THE-PAGE
"""

import logging
import random
import selectors
import socket
import struct
import sys
import threading
import time
import urllib.request

from pymodbus.client import ModbusTcpClient

HELD, RECIPE_CHANGE = 15, 14
READY, HOLDS, CHANGES = 1 << 0, 1 << 2, 1 << 4
PATIENCE_S = 120
PHASE_S = 15
CLIENTS = 100
# A request for everything, and what no client should send.
READ_ALL = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 49)
GARBAGE = (
    b"GET / HTTP/1.1\r\n\r\n",
    READ_ALL[:5],
    READ_ALL[:11],
    struct.pack(">HHHBBHH", 1, 0, 65535, 1, 3, 0, 49),
    struct.pack(">HHHBBHHBB", 1, 0, 8, 1, 15, 0, 2000, 1, 7),
    bytes(300),
)


class Station:
    def __init__(self, plc, page):
        self.address = ("127.0.0.1", plc)
        self.page = page
        # The server may wait for everybody else: on a busy machine an answer takes seconds, and that is measured, not refused.
        self.client = ModbusTcpClient("127.0.0.1", port=plc, timeout=20)
        wait("a connection", self.client.connect)

    def read(self, address, count):
        answer = self.client.read_holding_registers(address, count)
        assert not answer.isError(), answer
        return answer.registers

    def long(self, address):
        high, low = self.read(address, 2)
        return high << 16 | low

    def coils(self):
        answer = self.client.read_coils(0, 3)
        assert not answer.isError(), answer
        return answer.bits[:3]

    def coil(self, address, state):
        answer = self.client.write_coil(address, state)
        assert not answer.isError(), answer

    def registers(self, address, words):
        answer = self.client.write_registers(address, words)
        assert not answer.isError(), answer

    def result(self):
        """The result and the reason of the last command, once there is one."""
        wait("a result", lambda: self.read(30, 1)[0] != 3)
        return tuple(self.read(30, 2))

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/metrics", timeout=PATIENCE_S) as answer:
            lines = answer.read().decode().splitlines()
        values = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in values}


def wait(what, until):
    start = time.monotonic()
    while not until():
        assert time.monotonic() - start < PATIENCE_S, f"{what} did not come"
        time.sleep(0.05)


def check_counters(station):
    def of_metrics():
        values = station.metrics()
        verdicts = [values[f'crosscheck_verdicts_total{{verdict="{word}"}}'] for word in ("pass", "review", "reject")]
        unscored = sum(value for name, value in values.items() if name.startswith("crosscheck_parts_unscored_total"))
        return [values["crosscheck_parts_total"], *verdicts, unscored, values["crosscheck_late_verdicts_total"]]

    before = of_metrics()
    words = station.read(0, 49)
    after = of_metrics()
    found = [words[i] << 16 | words[i + 1] for i in range(4, 16, 2)]
    for name, least, here, most in zip(("parts", "pass", "review", "reject", "unscored", "late"), before, found, after):
        assert least <= here <= most, f"{name}: {here} where {least} to {most} is expected"
    assert found[0] > 0 and sum(found[1:4]) > 0, found
    score, threshold = struct.unpack(">ff", struct.pack(">4H", *words[19:23]))
    assert words[0] == 1 and words[18] in (0, 1, 2) and threshold > 0, words
    assert (words[18] == 2) == (not score <= threshold), (words[18], score, threshold)
    if words[23]:
        assert words[24] < 2000 and words[25] < 2000 and 0 < words[27] <= 5 and words[18] == 2, words
    print(f"counters: {found}; part {words[16] << 16 | words[17]}: score {score:.3f}, threshold {threshold:.3f}")


def check_hold(station):
    station.coil(1, True)
    assert station.result() == (1, 0)
    wait("a hold", lambda: station.coils()[1])
    status, fault = station.read(2, 2)
    assert status & HOLDS and not status & READY and fault == HELD, (status, fault)
    assert station.metrics()['crosscheck_fault_active{fault="held"}'] == 1
    # As a control does that writes its outputs in each cycle.
    station.client.write_coils(0, [False, True, False])
    station.coil(1, False)
    assert station.result() == (1, 0)
    wait("the release", lambda: not station.coils()[1])
    wait("a ready station", lambda: station.read(2, 1)[0] & READY)
    print("hold: held, flushed and released")


def check_recipes(station):
    def change(number):
        station.registers(40, [number])
        station.coil(2, True)
        assert station.read(29, 1) == [number]
        assert station.read(2, 1)[0] & CHANGES or station.read(30, 1)[0] == 2, "no change is under way"
        result = station.result()
        wait("the end of the change", lambda: not station.read(2, 1)[0] & CHANGES)
        return result

    assert station.read(28, 1) == [1]
    assert change(2) == (1, 0)
    assert station.read(28, 1) == [2] and station.metrics()["crosscheck_recipe"] == 2
    assert change(9) == (2, 2), "there is no recipe 9"
    assert change(3) == (2, 3), "the engine of recipe 3 is not there"
    assert station.read(28, 1) == [2]
    assert change(1) == (1, 0) and station.read(28, 1) == [1]
    wait("a ready station", lambda: station.read(2, 1)[0] & READY)
    print("recipes: 1 to 2 and back; a recipe that is not there and one without its engine are refused")


def check_other_writes(station):
    station.coil(0, True)
    assert station.result() == (1, 0) and station.coils() == [False] * 3
    name = list(struct.unpack(">8H", b"SN-0042".ljust(16, b"\0")))
    station.registers(41, name)
    assert station.result() == (1, 0) and station.read(41, 8) == name
    assert station.client.write_register(41, 0x4141).exception_code == 3, "a part of an identity"
    assert station.client.write_register(4, 0).exception_code == 2
    assert station.client.read_holding_registers(49, 1).exception_code == 2
    assert station.client.read_discrete_inputs(0, 1).exception_code == 1
    print("acknowledged and named; wrong requests are answered by exceptions")


def flood(address, stop, counts):
    """Clients that ask without a pause, stop in the middle, send garbage, and come again."""
    chance = random.Random(1)
    selector = selectors.DefaultSelector()

    def come():
        stream = socket.socket()
        stream.setblocking(False)
        stream.connect_ex(address)
        selector.register(stream, selectors.EVENT_READ | selectors.EVENT_WRITE, chance.random() < 0.5)
        counts["connections"] += 1

    for _ in range(CLIENTS):
        come()
    while not stop.is_set():
        for key, events in selector.select(0.1):
            stream, asks = key.fileobj, key.data
            try:
                if events & selectors.EVENT_READ and not stream.recv(4096):
                    raise OSError("closed")
                if events & selectors.EVENT_WRITE:
                    stream.send(READ_ALL if asks else chance.choice(GARBAGE))
                    counts["sent"] += 1
                    if not asks:
                        # Then it waits for whatever comes.
                        selector.modify(stream, selectors.EVENT_READ, asks)
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(stream)
                stream.close()
                come()


def edges(before, after):
    """How many edges there were, and below what time 99 % of them were late."""
    prefix = 'crosscheck_edge_late_seconds_bucket{le="'
    buckets = [(float(name[len(prefix):-2]), after[name] - before[name]) for name in after if name.startswith(prefix)]
    total = max(below for _, below in buckets)
    assert total > 0, "no edge"
    return total, min(bound for bound, below in buckets if below >= 0.99 * total)


def phase(station, name):
    """Polls as a PLC does, and prints how late the edges were meanwhile."""
    before, parts = station.metrics(), station.long(4)
    start, beats, polls, slowest = time.monotonic(), set(), 0, 0.0
    while time.monotonic() - start < PHASE_S:
        asked = time.monotonic()
        beats.add(station.read(0, 32)[1])
        slowest = max(slowest, time.monotonic() - asked)
        polls += 1
        time.sleep(0.1)
    after = station.metrics()
    assert len(beats) >= PHASE_S - 2, "the heartbeat stood"
    assert station.long(4) > parts, "no part came"
    total, late = edges(before, after)
    print(f"{name}: {total:.0f} edges, 99 % at most {1e6 * late:.0f} us late; {polls} polls, the slowest {1e3 * slowest:.1f} ms")


def check_flood(station):
    phase(station, "quiet")
    before = station.metrics()
    stop, counts = threading.Event(), {"connections": 0, "sent": 0}
    thread = threading.Thread(target=flood, args=(station.address, stop, counts))
    thread.start()
    try:
        phase(station, f"with {CLIENTS} clients")
    finally:
        stop.set()
        thread.join()
    after = station.metrics()

    def more(name):
        return after[name] - before[name]

    broken = more('crosscheck_plc_connections_total{result="broken"}')
    displaced = more('crosscheck_plc_connections_total{result="displaced"}')
    answered = more('crosscheck_plc_requests_total{result="answered"}')
    full = more('crosscheck_plc_connections_total{result="full"}')
    assert broken > 0 and displaced + full > 0 and answered > 0, (broken, displaced, full, answered)
    print(f"flood: {counts['connections']} connections, {answered:.0f} answers, {broken:.0f} broken, {displaced:.0f} displaced, {full:.0f} without a place")
    check_counters(station)
    assert station.read(2, 2)[1] == 0, "a fault is active"


def main():
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    station = Station(*map(int, sys.argv[1:]))
    wait("a ready station", lambda: station.read(2, 1)[0] & READY and station.long(6) + station.long(10) > 3)
    check_counters(station)
    check_hold(station)
    check_recipes(station)
    check_other_writes(station)
    check_flood(station)


if __name__ == "__main__":
    main()
