"""The report as a page: what it says, that it needs nothing from outside, and that it is whole or not there at all."""

from __future__ import annotations

import base64
import errno
import io
import os
import re
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_figures import NAMES, figures_drawn_once

from aitex_utils.errors import InputError
from aitex_utils.inspection import figures, report
from aitex_utils.inspection import page as sections
from aitex_utils.inspection.measures import measure
from aitex_utils.inspection.picture_section import MOST_CROPS, PICTURE_WIDTH, WIDE_WIDTH
from aitex_utils.inspection.report import ReportPicture, write_report

VOID = {"meta", "link", "img", "input"}


class Page(HTMLParser):
    """A parsed page: its elements in order, its text, and the text of each element that has an id."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == [], "elements that are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [a for name, a in self.elements if name == tag and (not kind or kind in (a.get("class") or "").split())]


def picture(name: str, score: float, size: tuple[int, int] = (64, 96), **parts: object) -> ReportPicture:
    """Return a grey picture with one found region of 4 x 6 px, whose map is as large as the score."""
    rng = np.random.default_rng(0)
    anomaly_map = rng.random(size).astype(np.float32) * 0.5
    anomaly_map[10:14, 20:26] = 0.9
    anomaly_map[12, 22] = score
    image = rng.integers(90, 110, size, np.uint8)
    whole = ReportPicture(name, image, anomaly_map, anomaly_map > 0.8, score, None, None)
    return replace(whole, **parts)


def write(path: Path, pictures: list[ReportPicture], **changes: object) -> Page:
    known = {one.name: one for one in pictures}
    arguments = {
        "names": list(known),
        "load": known.__getitem__,
        "scores": {name: one.score for name, one in known.items()},
        "threshold": 2.0,
        "good_scores": [1.0, 1.2, 1.4],
        "promise": "at a promised false-alarm rate of 25 %",
        "warnings": [],
        "settings": {},
        "measures": None,
        "scale": (0.0, 3.0),
        "title": "Inspection of cloth",
    } | changes
    assert write_report(path, **arguments) == path
    return Page(path)


@pytest.fixture(autouse=True)
def _figures_drawn_once() -> Iterator[None]:
    with figures_drawn_once():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "report.html"


def labelled() -> list[ReportPicture]:
    """Return two good and two defective pictures. One of each kind is judged wrongly at a threshold of 2."""
    truth = np.zeros((64, 96), bool)
    truth[10:14, 20:26] = True
    return [
        picture("good/a.png", 1.5, is_good=True, truth=~truth & False),
        picture("bad/b.png", 2.5, is_good=False, truth=truth),
        picture("good/c.png", 2.0, is_good=True, truth=~truth & False),
        picture("bad/d.png", 1.0, is_good=False, truth=truth),
    ]


def measures_of(pictures: list[ReportPicture]):
    columns = zip(*((one.score, not one.is_good, one.anomaly_map, one.truth) for one in pictures), strict=True)
    return measure(*map(list, columns), n_resamples=50)


def test_the_page_states_outcome_date_warnings_and_settings(path: Path):
    warnings = ["Picture a.png is much darker than the others: take it again."]
    page = write(path, labelled(), warnings=warnings, settings={"seed": "0", "torch": "2.4"})
    assert "2 of 4 pictures were flagged at a promised false-alarm rate of 25 %." in page.text
    assert re.search(r"Written on \d{4}-\d\d-\d\d", page.text)
    assert f"Warnings {warnings[0]}" in page.text
    assert "Settings and versions Name Value seed 0 torch 2.4" in page.text
    assert "The threshold is 2.000 : pictures with a score of at least 2.000 are flagged" in page.text
    assert page.all("title") and page.source.count("<h1>Inspection of cloth</h1>") == 1


def test_names_can_come_from_an_iterator(path: Path):
    assert "1. a.png" in write(path, [picture("a.png", 1.0)], names=iter(["a.png"])).text


def test_the_parts_come_in_order(path: Path):
    pictures = labelled()
    page = write(path, pictures, warnings=["Look."], settings={"seed": "0"}, measures=measures_of(pictures))
    headings = ["Warnings", "How to read this page", "Threshold", "Colour scale of the maps", "Pictures by score"]
    headings += ["Each picture", "Measures against the labels", "Settings and versions"]
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", page.source) == headings


def test_parts_without_content_are_left_out(path: Path):
    page = write(path, [picture("a.png", 1.0)])
    for absent in ("Warnings", "Measures against", "Settings and", "ground truth", "Label"):
        assert absent not in page.text


def test_pictures_come_by_falling_score_and_equal_scores_in_the_given_order(path: Path):
    pictures = [picture(name, score) for name, score in (("low", 1.0), ("x", 2.0), ("high", 3.0), ("b", 2.0))]
    page = write(path, pictures)
    assert re.findall(r"<h3[^>]*>([^<]*)</h3>", page.source) == ["1. high", "2. x", "3. b", "4. low"]
    rows = re.findall(r'<tr class="(row[^"]*)"><td class="number">(\d)</td>.*?#picture-(\d)">([^<]*)</a>', page.source)
    assert [row[1:] for row in rows] == [("1", "1", "high"), ("2", "2", "x"), ("3", "3", "b"), ("4", "4", "low")]
    assert ["flagged" in row[0] for row in rows] == [True, True, True, False], "a score at the threshold is flagged"


def test_the_contents_show_decisions_beside_labels(path: Path):
    page = write(path, labelled())
    for name, result, label in (
        ("bad/b.png", "flagged", "defective"),
        ("good/c.png", "flagged (false alarm)", "good"),
        ("good/a.png", "not flagged", "good"),
        ("bad/d.png", "not flagged (missed)", "defective"),
    ):
        row = re.search(rf">{name}</a></th><td[^>]*>[\d.]*</td><td[^>]*>([^<]*)</td><td>([^<]*)</td>", page.source)
        assert row.groups() == (result, label)
    assert "good 1 1 defective 1 1" in page.text, "the table of decisions"


def test_labels_of_numpy_count_as_labels(path: Path):
    page = write(path, [picture("a.png", 2.5, is_good=np.True_), picture("b.png", 1.5, is_good=np.False_)])
    assert "flagged (false alarm)" in page.text and "not flagged (missed)" in page.text


def test_measures_are_shown_with_intervals(path: Path):
    pictures = labelled()
    measures = measures_of(pictures)
    page = write(path, pictures, measures=measures)
    for name, value in (("AUROC", measures.auroc), ("AP", measures.average_precision)):
        assert f"{name}, image level {value.value:.3f} {value.low:.3f} to {value.high:.3f}" in page.text
    assert f"AUPRO at 0.3, pixel level {measures.aupro.value:.3f}" in page.text
    assert "A class of only 2 pictures makes intervals unreliable" in page.text
    assert any("ROC curve" in image["alt"] for image in page.all("img"))


def test_one_class_only_is_said_not_drawn(path: Path):
    pictures = [one for one in labelled() if one.is_good]
    page = write(path, pictures, measures=measure([1.5, 2.0], [False, False]))
    assert "All 2 labelled pictures are good, so AUROC and AP are not defined." in page.text
    assert "AUROC, image level not defined" in page.text and "nan" not in page.text


def test_nothing_comes_from_outside(path: Path):
    pictures = labelled()
    page = write(path, pictures, measures=measures_of(pictures))
    assert page.all("script") == [] and page.all("iframe") == []
    assert (
        "@import" not in page.source
        and "url(" not in page.source
        and "http" not in page.source.replace("http-equiv", "")
    )
    addresses = [a.get(key) for _, a in page.elements for key in ("src", "href", "srcset") if a.get(key) is not None]
    assert addresses and all(address.startswith(("data:", "#")) for address in addresses)
    assert any(a.get("content", "").startswith("default-src 'none'") for a in page.all("meta"))


def test_pictures_have_alt_texts_and_ids_are_unique_and_links_lead_to_them(path: Path):
    pictures = labelled()
    page = write(path, pictures, warnings=["Look."], measures=measures_of(pictures))
    images = page.all("img")
    assert len(images) == 2 * 4 + 2 + 1 + 2 * 2, "picture and map of each, crops, colour bar, two figures in two themes"
    assert all(len(image["alt"].split()) >= 3 for image in images)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for tag, a in page.elements if tag in ("a", "use")]
    assert links and set(links) <= set(ids)
    assert {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a} <= set(ids)


def test_figures_are_svg_and_pictures_jpeg_or_png_of_the_stated_size(path: Path):
    big = picture("big.png", 3.0, (1200, 1600))
    wide = picture("wide.png", 2.5, (256, 4096), image=np.zeros((256, 4096, 3), np.uint8))
    page = write(path, [big, wide])
    assert f"scaled down to {PICTURE_WIDTH} x {PICTURE_WIDTH * 3 // 4} px" in page.text
    assert f"scaled down to {WIDE_WIDTH} x {WIDE_WIDTH // 16} px" in page.text
    kinds = set()
    for image in page.all("img"):
        kind, data = re.fullmatch(r"data:image/([\w+]+);base64,(.*)", image["src"]).groups()
        kinds.add(kind)
        if kind != "svg+xml":
            with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
                assert opened.size == (int(image["width"]), int(image["height"]))
    assert kinds == {"svg+xml", "jpeg", "png"}


@pytest.mark.parametrize("name", ['<b>&"x`.png', "a'b.png", "</title><script>alert(1)</script>", "&amp;.png"])
def test_names_are_escaped_everywhere(path: Path, name: str):
    page = write(path, [picture(name, 2.5)], title=name, promise=name, warnings=[name], settings={name: name})
    assert page.all("script") == [] and page.all("b") == []
    assert page.text.count(name) >= 6
    assert any(name in image["alt"] for image in page.all("img"))


@pytest.mark.parametrize(
    ("name", "shown"), [("a\udce9.png", "a\\udce9.png"), ("a\u202eb", "a\\u202eb"), ("a\nb", "a\\nb")]
)
def test_names_that_cannot_be_shown_are_written_as_escapes(path: Path, name: str, shown: str):
    assert f"1. {shown}" in write(path, [picture(name, 2.5)]).text


def test_crops_show_the_largest_regions_with_place_and_largest_value(path: Path):
    found = np.zeros((900, 900), bool)
    sizes = [2, 9, 4, 7, 5, 3]
    for number, size in enumerate(sizes):
        found[100 * number : 100 * number + size, 50:60] = True
    anomaly_map = np.where(found, 0.5, 0.0)
    anomaly_map[104, 57] = 2.25
    anomaly_map[0, 899] = 2.9  # outside the regions
    page = write(path, [picture("a.png", 3.0, (900, 900), found=found, anomaly_map=anomaly_map)])
    assert f"Crops at full size: the {MOST_CROPS} largest of 6 found regions" in page.text
    places = re.findall(
        r"Region (\d): rows (\d+) to (\d+), columns 50 to 59, (\d+) px, largest map value ([\d.]+)\.", page.text
    )
    assert places == [
        ("1", "100", "108", "90", "2.250"),
        ("2", "300", "306", "70", "0.5000"),
        ("3", "400", "404", "50", "0.5000"),
        ("4", "200", "203", "40", "0.5000"),
    ]
    assert "Anomaly map, largest value 2.900 at row 0, column 899." in page.text


def test_only_flagged_pictures_have_crops(path: Path):
    page = write(path, [picture("a.png", 2.5), picture("b.png", 1.5)])
    assert page.source.count("<h4>") == 1
    assert page.source.index("<h4>") < page.source.index('id="picture-2"')


def test_a_flagged_picture_in_which_nothing_was_found_shows_the_peak(path: Path):
    page = write(path, [picture("a.png", 2.5, found=np.zeros((64, 96), bool))])
    assert "No region was found." in page.text
    assert "Crop at full size: the surroundings of the map's largest value" in page.text
    assert "Largest map value 2.500, at row 12, column 22." in page.text


def test_a_region_larger_than_a_crop_says_which_part_is_shown(path: Path):
    found = np.zeros((1000, 1000), bool)
    found[:, 100:110] = True
    anomaly_map = np.zeros((1000, 1000))
    anomaly_map[700, 105] = 2.5
    page = write(path, [picture("a.png", 2.5, (1000, 1000), found=found, anomaly_map=anomaly_map)])
    assert "Region 1: rows 0 to 999, columns 100 to 109" in page.text
    assert "The crop shows a part of it, rows 460 to 939, columns 9 to 200." in page.text


def test_outlines_of_found_regions_and_truth_are_in_two_styles(path: Path):
    truth = np.zeros((64, 96), bool)
    truth[40:50, 40:50] = True
    page = write(path, [picture("a.png", 1.5, truth=truth, is_good=False), picture("b.png", 1.0)])
    classes = [a["class"] for a in page.all("use")]
    assert classes == ["halo", "found", "halo", "truth", "halo", "found"]
    assert re.search(r"\.truth \{[^}]*stroke-dasharray", page.source)
    paths = {a["id"]: a["d"] for a in page.all("path") if "id" in a}
    assert paths["found-1"] == "M18.5 8.5V15.5H27.5V8.5z"  # 2 px outside rows 10 to 13, columns 20 to 25


def test_a_filter_is_there_only_if_it_would_hide_something(path: Path):
    assert write(path, [picture("a.png", 2.5), picture("b.png", 1.5)]).source.count('id="flagged-only"') == 1
    assert 'id="flagged-only"' not in write(path, [picture("a.png", 2.5)]).source


@pytest.mark.parametrize("threshold", [np.inf, np.float32(np.inf)])
def test_an_infinite_threshold_flags_nothing(path: Path, threshold: float):
    page = write(path, [picture("a.png", 2.5)], threshold=threshold, good_scores=[])
    assert "0 of 1 pictures were flagged" in page.text
    assert "There is no finite threshold, so no picture is flagged: hold out more good pictures." in page.text


def test_one_picture_is_alive_at_a_time(path: Path):
    arrays: list[weakref.ref] = []
    alive: list[int] = []
    order: list[str] = []

    def load(name: str) -> ReportPicture:
        alive.append(sum(ref() is not None for ref in arrays))
        order.append(name)
        made = picture(name, float(name), (200, 300))
        arrays.extend(weakref.ref(array) for array in (made.image, made.anomaly_map, made.found))
        return made

    names = [str(number) for number in range(8)]
    write(path, [picture(name, float(name)) for name in names], load=load)
    assert order == names[::-1], "each once, by falling score"
    assert alive == [0] * 8, "arrays of earlier pictures"


def test_equal_inputs_give_equal_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in NAMES:
        monkeypatch.setattr(sections, name, getattr(figures, name))  # drawn for each page
    pictures = labelled()
    measures = measures_of(pictures)
    first, second = (write(tmp_path / name, pictures, measures=measures).source for name in ("a.html", "b.html"))
    assert first == second


def nan_map(kind: float) -> np.ndarray:
    values = np.zeros((64, 96), np.float32)
    values[3, 4] = kind
    return values


BAD_PICTURES: list[tuple[dict[str, object], str]] = [
    ({"anomaly_map": nan_map(np.nan)}, "The map of b.png contains NaN or infinity in 1 of 6144 places"),
    ({"anomaly_map": nan_map(np.inf)}, "The map of b.png contains NaN or infinity in 1 of 6144 places"),
    ({"anomaly_map": np.zeros((64, 95))}, r"The map of b.png has shape \(64, 95\), expected the picture's, \(64, 96\)"),
    ({"found": np.zeros((3, 3), bool)}, r"The mask found of b.png has shape \(3, 3\)"),
    ({"found": np.full((64, 96), 0.5)}, "The mask found of b.png contains values other than 0 and 1"),
    ({"truth": np.zeros((3, 3), bool)}, r"The mask truth of b.png has shape \(3, 3\)"),
    ({"image": np.zeros((64, 96))}, "dtype float64, expected uint8"),
    ({"image": np.zeros((64, 96, 4), np.uint8)}, r"shape \(64, 96, 4\)"),
    ({"image": np.zeros((0, 96), np.uint8)}, r"shape \(0, 96\)"),
    ({"is_good": "good"}, "is_good of b.png is 'good': choose True or False"),
    ({"name": "c.png"}, "expected the ReportPicture of that name"),
    ({"score": 1.1}, "loaded with score 1.1, but scores has 1.0"),
]


@pytest.mark.parametrize(("parts", "message"), BAD_PICTURES)
def test_a_malformed_picture_is_refused_and_nothing_is_written(path: Path, parts: dict[str, object], message: str):
    known = {"a.png": picture("a.png", 3.0), "b.png": replace(picture("b.png", 1.0), **parts)}
    scores = {"a.png": 3.0, "b.png": 1.0}
    with pytest.raises(InputError, match=message):
        write(path, [picture("a.png", 3.0)], names=list(known), load=known.__getitem__, scores=scores)
    assert list(path.parent.iterdir()) == []


BAD_ARGUMENTS: list[tuple[dict[str, object], str]] = [
    ({"names": []}, "There are no pictures to report"),
    ({"names": "a.png"}, "names is 'a.png': give a list"),
    ({"names": 3}, "names is 3: give a list"),
    ({"names": [3]}, r"names is \[3\]: give a list"),
    ({"names": ["a.png", "b.png", "a.png"]}, "1 names occur more than once, the first is 'a.png'"),
    ({"names": ["b.png"]}, "'b.png' has no score"),
    ({"scores": {"a.png": np.nan}}, "The score of 'a.png' is nan"),
    ({"threshold": np.nan}, "threshold is nan"),
    ({"threshold": -np.inf}, "threshold is -inf"),
    ({"good_scores": [1.0, np.inf]}, "good_scores contains NaN or infinity"),
    ({"scale": (1.0, 1.0)}, "expected two rising numbers"),
    ({"scale": (0.0, np.nan)}, "scale"),
    ({"scale": 3.0}, "scale is 3.0: give two numbers"),
    ({"promise": " "}, "promise is ' ', expected some words"),
    ({"title": None}, "title is None, expected some words"),
    ({"warnings": "one"}, "warnings is 'one': give a list of sentences"),
    ({"warnings": iter(["one"])}, "give a list of sentences"),
    ({"warnings": [3]}, r"warnings is \[3\]: give a list of sentences"),
    ({"settings": ["seed"]}, "settings is"),
    ({"measures": {"auroc": 0.5}}, "give the result of measures.measure"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_ARGUMENTS)
def test_a_malformed_argument_is_refused_before_a_picture_is_loaded(
    path: Path, changes: dict[str, object], message: str
):
    def load(name: str) -> ReportPicture:
        raise AssertionError("loaded")

    with pytest.raises(InputError, match=message):
        write(path, [picture("a.png", 1.0)], load=load, **changes)
    assert not path.parent.exists()


def test_a_folder_in_the_way_is_refused_before_a_picture_is_loaded(tmp_path: Path):
    def load(name: str) -> ReportPicture:
        raise AssertionError("loaded")

    with pytest.raises(InputError, match="a folder of that name is in the way, choose another name"):
        write(tmp_path, [picture("a.png", 1.0)], load=load)
    assert list(tmp_path.iterdir()) == []


def full_disk(*_: object) -> list[str]:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("part", ["picture_section", "above_pictures", "below_pictures"])
def test_a_full_disk_leaves_the_previous_page(path: Path, monkeypatch: pytest.MonkeyPatch, part: str):
    write(path, [picture("a.png", 1.0)])
    before = path.read_bytes()
    monkeypatch.setattr(report, part, lambda *_, **__: full_disk())
    with pytest.raises(InputError, match=r"The disk is full .* was not written: free some space"):
        write(path, [picture("a.png", 2.5)])
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("a.png disappeared: put it back."), "a.png disappeared: put it back."),
        (OSError(errno.EIO, "Input/output error"), 'a.png was not loaded: the system says "Input/output error"'),
    ],
)
def test_a_picture_that_cannot_be_loaded_is_named(path: Path, error: Exception, message: str):
    def load(name: str) -> ReportPicture:
        raise error

    with pytest.raises(InputError, match=re.escape(message)):
        write(path, [picture("a.png", 1.0)], load=load)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"good_scores": [[1.0, 2.0], [3.0]]}, "good_scores cannot be made one array"),
        ({"scores": [1.0]}, "scores is .1.0.: give a dict of names and scores"),
        ({"load": "a.png"}, "load is 'a.png': give a function"),
    ],
)
def test_arguments_of_another_kind_are_refused(path: Path, change: dict, message: str):
    with pytest.raises(InputError, match=message):
        write(path, [picture("a.png", 1.0)], **change)
    assert not path.parent.exists()


def test_an_existing_page_is_replaced(path: Path):
    write(path, [picture("a.png", 1.0)])
    assert "b.png" in write(path, [picture("b.png", 1.0)]).text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("change", [lambda a: a.astype(np.float64), lambda a: a.tolist(), np.asfortranarray])
def test_maps_of_other_forms_give_the_same_page(tmp_path: Path, change: Callable):
    plain = picture("a.png", 2.5)
    other = replace(plain, anomaly_map=change(plain.anomaly_map), found=change(plain.found))
    assert write(tmp_path / "a.html", [plain]).source == write(tmp_path / "b.html", [other]).source
