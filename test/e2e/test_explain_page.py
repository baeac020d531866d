# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon explain --html`: one page that holds what it shows, takes no name for markup, and
says of graph, memory and transfers what the plan has."""

import html.parser
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from onnx import helper, numpy_helper

from driver_models import OK, USER_ERROR, refused, save, value
from harness import ROOT

HOSTILE = ["</script><script>alert(1)</script>", "<!--<script>", "<img src=x onerror=alert(1)>", "\" onclick='alert(1)' x=\"",
           "&lt;b&gt;", "\\u003cb\\", "line\nbreak", "\u2028\u2029", "${alert(1)}", "@DATA@", "__proto__", "größe 漢字"]


class Page(html.parser.HTMLParser):
    """Its elements, and the texts of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.style, self.text = [], [], "", ""
        self.inside = None
        self.feed(text)
        self.close()
        self.data = json.loads(next(script for attributes, script in self.scripts if attributes.get("type") == "application/json"))
        self.code = next(script for attributes, script in self.scripts if not attributes)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = tag
        if tag == "script":
            self.scripts.append((dict(attributes), ""))

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self.inside == "style":
            self.style += data
        else:
            self.text += data


def explained(tenon, artifact, *flags):
    path = artifact.with_suffix(".html")
    done = tenon("explain", artifact, "--html", path, *flags)
    assert done.returncode == OK and not done.stderr, done.stderr
    text = path.read_text()
    return text, Page(text)


def layers(path, names):
    """Products one after the other, each with what was before added to it."""
    rng, last, nodes, weights = np.random.default_rng(0), "x", [], []
    for i, name in enumerate(names):
        weights.append(numpy_helper.from_array(rng.standard_normal((32, 32)).astype(np.float32), f"w{i}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [f"m{i}"], name))
        nodes.append(helper.make_node("Add", [f"m{i}", last], [f"a{i}"], name + " sum"))
        last = f"a{i}"
    return save(path, nodes, [value("x", [16, 32])], [value(last, [16, 32])], weights)


@pytest.fixture(scope="module")
def hostile(tenon, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "model.tenon"
    assert tenon("compile", layers(folder / "model.onnx", HOSTILE), "-o", path, "-q", "--target=cpu:x86-64-v3").returncode == OK
    return path


def test_names_are_texts(tenon, hostile):
    text, page = explained(tenon, hostile)
    _, plain = explained(tenon, hostile)
    source = ROOT / "tools/tenon/page"
    assert page.style.strip() == (source / "page.css").read_text().strip()
    assert all((source / f"{name}.js").read_text() in page.code for name in ("model", "layout", "graph", "table", "memory", "summary", "main"))
    # The same elements as of any other model, and nothing of the names outside of the data.
    assert [tag for tag, _ in page.elements].count("script") == 2 and not [tag for tag, _ in page.elements if tag in ("img", "b")]
    assert len(page.scripts) == 2 and page.code == plain.code
    assert [node["node"] for node in page.data["ledger"]["nodes"]][::2] == HOSTILE
    data = text[text.index('id="data">') + len('id="data">') : text.rindex("</script>\n<script>")]
    assert not set(data) & set("<>&")
    # Names reach the document as text nodes alone.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", page.code)
    for call in re.findall(r"element\((.)", page.code):
        assert call in "'tab"  # a tag that the page states, and the function's own declaration


def test_nothing_is_asked_for(tenon, hostile):
    text, page = explained(tenon, hostile)
    assert not re.search(r"https?:|//[a-z]+\.|url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket|importScripts", page.code + page.style)
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base") and not {"src", "href", "srcset"} & set(attributes)
    policy = next(attributes for tag, attributes in page.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none'")


def test_is_the_ledger(tenon, hostile):
    _, page = explained(tenon, hostile)
    ledger = json.loads(tenon("explain", hostile, "--json").stdout)
    assert page.data["ledger"] == ledger
    nodes = ledger["nodes"]
    assert nodes[0]["inputs"] == [-1] and nodes[1]["inputs"] == [0, -1] and nodes[2]["inputs"] == [1] and nodes[3]["inputs"] == [2, 1]
    assert ledger["outputs"] == [len(nodes) - 1]
    assert all(kernel["seconds"] > 0 for kernel in ledger["kernels"])


def test_scripts_are_javascript(tenon, hostile, tmp_path):
    if not shutil.which("node"):
        pytest.skip("no node")
    _, page = explained(tenon, hostile)
    (tmp_path / "page.js").write_text(page.code)
    subprocess.run(["node", "--check", tmp_path / "page.js"], check=True)


def test_a_browser_runs_it(tenon, hostile, tmp_path):
    """What the document is once the scripts have run: the names are in it, as texts."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        pytest.skip("no chromium")
    explained(tenon, hostile)
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=3000",
                           "--dump-dom", hostile.with_suffix(".html").as_uri()], capture_output=True, text=True, check=False, timeout=120)
    page = Page(done.stdout)
    tags = [tag for tag, _ in page.elements]
    assert "<title>model.tenon \u2013 Tenon</title>" in done.stdout, done.stderr
    assert tags.count("script") == 2 and "img" not in tags and not [names for _, names in page.elements if "onclick" in names]
    assert [names["class"] for tag, names in page.elements if names.get("class", "").startswith("row")], "the table has no rows"
    assert "tile" in done.stdout and all(name in page.text for name in HOSTILE)


def test_thousands_of_nodes_are_laid_out_at_once(tmp_path):
    """A chain with skips, a comb and a wide fan of 4,000: no two boxes overlap, data flows
    down within columns, and the outline is near the window's."""
    if not shutil.which("node"):
        pytest.skip("no node")
    (tmp_path / "try.js").write_text((ROOT / "tools/tenon/page/layout.js").read_text() + """
const chain = [...Array(4000)].map((_, i) => ({ inputs: i ? i % 7 || i < 7 ? [i - 1] : [i - 1, i - 7] : [] }));
const comb = [...Array(4000)].map((_, i) => ({ inputs: i < 2 ? [] : i % 2 ? [i - 1] : [i - 2] }));
const fan = [...Array(4000)].map((_, i) => ({ inputs: i && i < 3999 ? [0] : i ? [...Array(3998)].map((_, k) => k + 1) : [] }));
for (const items of [chain, comb, fan, []]) {
  const start = Date.now(), size = layOut(items, 1.6), places = new Set();
  if (Date.now() - start > 4000) throw 'it took ' + (Date.now() - start) + ' ms';
  const rows = new Map();
  for (const item of items) {
    if (!(item.x >= boxWidth / 2 - 1 && item.x <= size.width - boxWidth / 2 + 1 && item.y >= 0 && item.y <= size.height)) throw 'a box lies outside';
    for (const from of item.inputs) if (items[from].column === item.column && items[from].y >= item.y) throw 'data flows up';
    const key = item.column + ':' + item.y;
    rows.set(key, [...(rows.get(key) || []), item.x]);
  }
  for (const row of rows.values()) row.sort((a, b) => a - b).forEach((x, i) => { if (i && x - row[i - 1] < boxWidth) throw 'boxes overlap'; });
  if (items === chain && (size.width / size.height < 0.8 || size.width / size.height > 3.2)) throw 'a ribbon of ' + size.width / size.height;
}
""")
    done = subprocess.run(["node", tmp_path / "try.js"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def check_memory(record):
    """The peak is what the buffers say, no two share bytes at one step, and all fit."""
    use = [0] * len(record["steps"])
    for buffer in record["buffers"]:
        assert 0 <= buffer["first"] <= buffer["last"] < len(use) and buffer["writer"] == record["steps"][buffer["first"]]
        for step in range(buffer["first"], buffer["last"] + 1):
            use[step] += buffer["bytes"]
    assert record["peak"] == max(use, default=0) and (not record["peak"] or use.index(record["peak"]) == record["peak_step"])
    placed = [buffer for buffer in record["buffers"] if buffer["offset"] >= 0]
    for i, a in enumerate(placed):
        assert a["offset"] + a["bytes"] <= record["arena"]
        for b in placed[:i]:
            apart = a["last"] < b["first"] or b["last"] < a["first"]
            assert apart or a["offset"] + a["bytes"] <= b["offset"] or b["offset"] + b["bytes"] <= a["offset"], (a, b)


def test_memory_of_one_device(tenon, hostile):
    _, page = explained(tenon, hostile)
    (record,) = page.data["ledger"]["memory"]
    assert (record["space"], record["program"]) == ("host", "host") and record["buffers"]
    assert record["steps"] == [kernel["kernel"] for kernel in page.data["ledger"]["kernels"]]
    check_memory(record)


def test_memory_of_open_sizes(tenon, tmp_path):
    model = save(tmp_path / "m.onnx", [helper.make_node("Exp", ["x"], ["e"], "e"), helper.make_node("Softmax", ["e"], ["s"], "s"),
                                       helper.make_node("MatMul", ["s", "w"], ["y"], "y")], [value("x", ["batch", 4])], [value("y", ["batch", 2])],
                 [numpy_helper.from_array(np.ones((4, 2), np.float32), "w")])
    sizes = []
    for nominal in (8, 80):
        path = tmp_path / f"{nominal}.tenon"
        assert tenon("compile", model, "-o", path, "-q", f"--optShapes=x:{nominal}x4").returncode == OK
        _, page = explained(tenon, path)
        (record,) = page.data["ledger"]["memory"]
        check_memory(record)
        sizes.append((record["arena"], record["peak"]))
        assert all(buffer["offset"] == -1 for buffer in record["buffers"]) and record["peak"] > 0
    assert sizes[1] == (10 * sizes[0][0], 10 * sizes[0][1])


def test_of_a_divided_model(tenon, tmp_path):
    model = layers(tmp_path / "m.onnx", ["one", "two", "three"])
    path = tmp_path / "m.tenon"
    assert tenon("compile", model, "-o", path, "-q", "--target=cpu:x86-64-v3", "--target=cpu:x86-64-v3", "--pin=two|three=cpu:x86-64-v3#2",
                 "--pin=one=cpu:x86-64-v3").returncode == OK
    _, page = explained(tenon, path)
    ledger, names = page.data["ledger"], {"host", "cpu:x86-64-v3#2"}
    assert {kernel["device"] for kernel in ledger["kernels"]} == names and ledger["predictions"][0]["plan"].startswith("chosen")
    assert [device["name"] for device in page.data["devices"]] == ["cpu:x86-64-v3#2"]
    transfers = ledger["transfers"]
    assert {(t["from"], t["to"]) for t in transfers} == {("host", "cpu:x86-64-v3#2"), ("cpu:x86-64-v3#2", "host")}
    assert all(t["bytes"] == 16 * 32 * 4 and t["value"] for t in transfers)
    assert {record["space"] for record in ledger["memory"]} == names and any(record["program"] != "host" for record in ledger["memory"])
    for record in ledger["memory"]:
        check_memory(record)


def test_measured_times(tenon, tmp_path):
    path = tmp_path / "m.tenon"
    assert tenon("compile", layers(tmp_path / "m.onnx", ["one", "two"]), "-o", path, "-q").returncode == OK
    profile = tmp_path / "p.json"
    profile.write_text(tenon("bench", path, "--iterations=3", "--warmup=0", "--json", "--profile").stdout)
    _, page = explained(tenon, path, "--profile", profile)
    wanted = {kernel["kernel"]: kernel["median_ms"] / 1e3 for kernel in json.loads(profile.read_text())["kernels"]}
    assert page.data["measured"] == pytest.approx(wanted) and len(wanted) == len(page.data["ledger"]["kernels"])
    for text in ("no JSON", "{}", '{"kernels": [{"kernel": "another", "median_ms": 1}]}', '{"kernels": [3]}'):
        profile.write_text(text)
        refused(tenon("explain", path, "--html", tmp_path / "x.html", "--profile", profile), USER_ERROR, "[TN8054]", "p.json")
    refused(tenon("explain", path, "--html", tmp_path / "x.html", "--profile", tmp_path / "none"), USER_ERROR, "[TN8002]")
    assert not (tmp_path / "x.html").exists()


def test_refusals(tenon, hostile, tmp_path):
    page = tmp_path / "x.html"
    for flag in ("--json", "--nodes", "--top=3"):
        refused(tenon("explain", hostile, "--html", page, flag), USER_ERROR, "[TN8012]", "with --html")
    refused(tenon("explain", hostile, "--profile", page), USER_ERROR, "[TN8012]", "without --html")
    before = hostile.read_bytes()
    refused(tenon("explain", hostile, "--html", hostile), USER_ERROR, "[TN8030]", "the artifact")
    refused(tenon("explain", hostile, "--html", tmp_path / "absent/x.html"), USER_ERROR, "[TN8008]", "absent")
    assert hostile.read_bytes() == before and not page.exists()
