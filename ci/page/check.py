"""What the station showed: metrics by Prometheus' own parser, the page as the browser made it."""

import html.parser
import sys

from prometheus_client.parser import text_string_to_metric_families


def check_metrics(text):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families.values() for s in f.samples}

    def value(name, **labels):
        return samples[(name, tuple(sorted(labels.items())))]

    verdicts = sum(value("crosscheck_verdicts_total", verdict=v) for v in ("pass", "review", "reject"))
    assert verdicts > 0, "no verdict"
    assert value("crosscheck_parts_total") >= verdicts, "more verdicts than parts"
    assert value("crosscheck_frames_total") > 0, "no frame"
    assert value("crosscheck_threshold") > 0, "no threshold"
    stages = ("queue", "prepare", "rgb_tokens", "xyz_groups", "anomaly_map")
    assert all(value("crosscheck_stage_seconds_count", stage=s) > 0 for s in stages), "a stage was not timed"
    assert families["crosscheck_capture_to_verdict_seconds"].type == "histogram"
    print(f"metrics: {len(families)} families, {len(samples)} samples, {verdicts:.0f} verdicts")


class Page(html.parser.HTMLParser):
    """Texts and attributes of elements that have an id."""

    def __init__(self):
        super().__init__()
        self.attributes, self.texts, self.open = {}, {}, []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in ("img", "meta", "link", "input", "br"):
            self.open.append(attributes.get("id"))
        if "id" in attributes:
            self.attributes[attributes["id"]] = attributes

    def handle_endtag(self, _):
        if self.open:
            self.open.pop()

    def handle_data(self, data):
        for id in filter(None, self.open):
            self.texts[id] = self.texts.get(id, "") + data + " "


def check_page(text):
    page = Page()
    page.feed(text)
    assert page.texts["health"].strip() == "ok", page.texts["health"]
    assert "part" in page.texts["score"], "no score is shown"
    assert page.attributes["overlay"]["src"].startswith("/overlay.jpg?part="), "no picture is shown"
    words = page.texts["counts"].split()
    assert int(words[words.index("parts") + 1]) > 0, page.texts["counts"]
    assert "capture to verdict" in page.texts["latencies"], page.texts["latencies"]
    assert "hidden" not in page.attributes["actions"], "a token is set, but nothing can be changed"
    print(f"page: {page.texts['score'].strip()}; {page.texts['about'].strip()}")


if __name__ == "__main__":
    kind, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        {"metrics": check_metrics, "page": check_page}[kind](file.read())
