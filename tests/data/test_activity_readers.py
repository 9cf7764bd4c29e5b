"""FIT, TCX and GPX: what the files are known to hold, what damaged ones do, which copies count once."""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hpcflow.data.readers import activity, fit, gpx, tcx
from hpcflow.data.readers.activity import READER, duplicates, reader_for, same_activity
from hpcflow.data.readers.base import Quantity, Reader
from hpcflow.data.readers.track import VARIABLES, build, path_length
from hpcflow.errors import DataError

EXAMPLES = Path(__file__).resolve().parents[2] / "workflows" / "examples" / "activities"
FILES = sorted(p for p in EXAMPLES.iterdir() if p.suffix in READER.suffixes)
RIDE = ("2020-06-01-16-52-40.fit", "activity_5039744860.tcx", "activity_5039744860.gpx")
START = 1_591_023_160


def scan(path):
    return READER.scan(Path(path), {})[0]


def read(path):
    record = scan(path)
    return READER.read(Path(path), record.channel, 0, record.size, {})


def fact(path, name):
    found = scan(path).facts.get(name)
    return None if found is None else found.value


# What every file has in common


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_record_has_all_variables_on_its_own_time(path):
    record, values = scan(path), read(path)
    assert record.channel == ""
    assert math.isnan(record.rate)
    assert [v.name for v in record.variables] == [v.name for v in VARIABLES] == list(values)
    for variable in record.variables:
        assert values[variable.name].dtype == variable.dtype
        assert values[variable.name].shape == (record.size,)
    assert values["time"][0] == 0
    assert (np.diff(values["time"]) >= 0).all()
    assert values["time"][-1] == record.facts["elapsed"].value
    assert set(np.unique(values["timer"][np.isfinite(values["timer"])])) <= {0.0, 1.0}
    assert datetime.fromisoformat(record.facts["start_time"].value).tzinfo is not None
    json.dumps({name: [q.value, q.units] for name, q in record.facts.items()}, allow_nan=False)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_stretch_is_a_part_of_the_whole(path):
    whole = read(path)
    part = READER.read(path, "", 7, 31, {})
    for name, x in whole.items():
        np.testing.assert_array_equal(part[name], x[7:31])


def test_the_readers_are_readers():
    for module in (fit, tcx, gpx, activity):
        assert isinstance(module.READER, Reader)


# What single files are known to hold


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "4078723797.fit",
            {
                "samples": 8357,
                "timer_time": 8355.6,
                "device_distance": 57567.24,
                "ftp": 200.0,
                "sport": "cycling",
            },
        ),
        (
            "4078723797.fit",
            {"device_normalized_power": 267, "device_training_load": 413.7, "device_ascent": 1254},
        ),
        ("sample-activity-indoor-trainer.fit", {"samples": 2263, "ftp": 250.0, "device_training_load": 50.8}),
        ("developer-types-sample.fit", {"samples": 3424, "timer_time": 3424.0, "device_average_power": 218}),
        (
            "event_timestamp.fit",
            {"device_pool_length": 22.86, "device_active_lengths": 114, "timer_time": 4371.56},
        ),
        (
            "2013-02-06-12-11-14.fit",
            {"samples": 590, "timer_time": 2625.14, "device_average_heart_rate": 147},
        ),
        (RIDE[0], {"samples": 96, "timer_time": 93.7, "device_elapsed_time": 113.15, "elapsed": 126.0}),
        (RIDE[1], {"samples": 100, "device_distance": 668.19, "start_time": "2020-06-01T14:52:40Z"}),
        (
            RIDE[2],
            {"samples": 96, "path_length": 900.3, "elapsed": 126.0, "start_time": "2020-06-01T14:52:40Z"},
        ),
        (
            "cross-country-skiing_activity_1.tcx",
            {"samples": 486, "timer_time": 2401.26, "device_distance": 5692.01, "device_max_heart_rate": 172},
        ),
        ("korita-zbevnica.gpx", {"path_length": 14913.75, "path_length_3d": 15256.32, "path_ascent": 703.8}),
        ("korita-zbevnica.gpx", {"path_descent": 710.1, "samples": 513, "points_without_time": 358}),
        ("korita-zbevnica.gpx", {"start_time": "2010-10-03T09:36:30Z", "elapsed": 13381.0}),
    ],
)
def test_header_facts(name, facts):
    for key, value in facts.items():
        found = fact(EXAMPLES / name, key)
        assert found == (value if isinstance(value, str) else pytest.approx(value, rel=1e-4)), key


@pytest.mark.shared_data
def test_two_more_files_of_the_shared_recordings(shared_data):
    folder = shared_data / "sport" / "activities"
    run = read(folder / "tcxparser_test.tcx")
    assert len(run["time"]) == 384
    assert np.isfinite(run["heart_rate"]).sum() == 383
    assert np.nanmean(run["heart_rate"]) == pytest.approx(156.65, abs=0.01)
    assert fact(folder / "tcxparser_test.tcx", "timer_time") == pytest.approx(1992.78)
    watch = read(folder / "activity-small-fenix2-run.fit")
    assert np.isfinite(watch["speed"]).sum() == 2809
    assert np.nanmean(watch["heart_rate"]) == pytest.approx(153.98, abs=0.01)


def test_power_missing_from_records_is_missing():
    power = read(EXAMPLES / "sample-activity-indoor-trainer.fit")["power"]
    assert np.nanmean(power) == pytest.approx(201.42, abs=0.01)
    assert np.isnan(power[:2263]).sum() >= 41
    assert np.isfinite(power).sum() == 2222


def test_heart_rate_kept_in_the_strap_reaches_the_samples():
    values = read(EXAMPLES / "event_timestamp.fit")
    assert np.isfinite(values["heart_rate"]).all()
    assert values["heart_rate"].max() == 161
    assert values["distance"][np.isfinite(values["distance"])][-1] == pytest.approx(114 * 22.86)


def test_a_pool_swim_has_the_speed_of_its_lengths_and_none_at_rest():
    speed = read(EXAMPLES / "event_timestamp.fit")["speed"]
    assert (speed > 0).sum() == pytest.approx(2763, abs=30)
    assert (speed == 0).sum() == pytest.approx(1608, abs=30)


def test_the_timer_stands_from_the_stop_to_the_start():
    values = read(EXAMPLES / RIDE[0])
    stopped = values["time"][values["timer"] == 0]
    np.testing.assert_array_equal(stopped, [53, 126])
    assert np.isnan(read(EXAMPLES / RIDE[2])["timer"]).all()


def test_the_way_between_gpx_segments_is_no_distance():
    distance = read(EXAMPLES / "korita-zbevnica.gpx")["distance"]
    assert distance[-1] == pytest.approx(2284.597 + 3983.952, rel=2e-3)


def test_path_length_on_the_ellipsoid():
    # One degree of the meridian from 60 to 61 N is 111 421 m on WGS 84, of the parallel at 60 N 55 800 m.
    fine = np.linspace(0, 1, 1001)
    assert path_length(60 + fine, np.zeros(1001))[-1] == pytest.approx(111_421, abs=2)
    assert path_length(np.full(1001, 60.0), 24 + fine)[-1] == pytest.approx(55_800, abs=1)
    assert path_length(np.zeros(2), np.array([179.9995, -179.9995]))[-1] == pytest.approx(111.32, abs=0.01)


# One activity in several files


def test_one_ride_in_three_formats_counts_once_and_fit_wins():
    records = [scan(EXAMPLES / name) for name in RIDE]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        copies = duplicates([records[i] for i in order])
        assert copies == {i: order.index(0) for i in range(3) if i != order.index(0)}
    assert duplicates(records[1:]) == {1: 0}


def test_different_activities_are_no_copies():
    assert set(duplicates([scan(path) for path in FILES])) == {
        i for i, path in enumerate(FILES) if path.name in RIDE[1:]
    }


def riders(shift=0.0, beats=0.0, format_="gpx", seconds=3600, late=0, position=True):
    t = np.arange(late, seconds)
    wander = np.sin(t / 60.0)
    channels = {"heart_rate": np.round(140 + 20 * wander + beats)} if beats is not None else {}
    if position:
        channels |= {"latitude": 64.2 + t * 3e-5 + shift, "longitude": 27.7 + wander * 1e-3}
    return build(format_, START + t, channels).scanned


def test_two_athletes_side_by_side_are_two_activities():
    beside = 4 / 111_000
    assert not same_activity(riders(), riders(shift=beside, beats=None))
    assert not same_activity(riders(), riders(beats=6.0))
    assert not same_activity(riders(), riders(shift=beside, beats=3.0, format_="fit"))
    assert duplicates([riders(), riders(shift=beside, beats=9.0, format_="fit")]) == {}


def test_a_copy_that_starts_late_or_lost_its_heart_rate_is_a_copy():
    assert same_activity(riders(), riders(late=6, format_="tcx"))
    assert same_activity(riders(), riders(beats=None, format_="tcx"))
    assert not same_activity(riders(), riders(seconds=1800))


def test_without_common_channels_only_equal_totals_of_another_format_make_a_copy():
    def indoor(format_, metres, elapsed=3600.0):
        facts = {"device_distance": Quantity(metres, "m")}
        return build(format_, [START, START + elapsed], {}, facts=facts).scanned

    assert same_activity(indoor("fit", 2500.0), indoor("tcx", 2500.0))
    assert not same_activity(indoor("fit", 2500.0), indoor("fit", 2500.0))
    assert not same_activity(indoor("fit", 2500.0), indoor("tcx", 2600.0))
    assert not same_activity(indoor("fit", 2500.0), indoor("tcx", 2500.0, 3700.0))


def test_many_records_are_compared_quickly():
    one = riders(seconds=100)
    facts = [
        {**one.facts, "start_time": Quantity((datetime.fromtimestamp(START + 20 * i, UTC)).isoformat())}
        for i in range(20_000)
    ]
    assert duplicates([replace(one, facts=f) for f in facts]) == {}


# Content decides, not the name


def test_the_activity_reader_goes_by_content(tmp_path):
    for name, reader in zip(RIDE, (fit.READER, tcx.READER, gpx.READER), strict=True):
        other = tmp_path / f"{Path(name).suffix[1:]}.bin"
        shutil.copy(EXAMPLES / name, other)
        assert reader_for(other) is reader
        assert READER.scan(other, {}) == READER.scan(EXAMPLES / name, {})


def test_gpx_in_utf_16_and_with_a_byte_order_mark(tmp_path):
    text = (EXAMPLES / RIDE[2]).read_text("utf-8")
    marked = tmp_path / "marked.gpx"
    marked.write_text(text, "utf-8-sig")
    wide = tmp_path / "wide.gpx"
    wide.write_text(text.replace('encoding="UTF-8"', 'encoding="UTF-16"'), "utf-16")
    for path in (marked, wide):
        np.testing.assert_array_equal(read(path)["heart_rate"], read(EXAMPLES / RIDE[2])["heart_rate"])


# Time stamps


def test_stamps_are_sorted_and_stray_ones_dropped():
    stamps = [START, START + 2, START + 1, START - 10 * 365 * 86400, np.nan, START + 3]
    track = build("fit", stamps, {"power": [0, 2, 1, 9, 9, 3]})
    np.testing.assert_array_equal(track.values["time"], [0, 1, 2, 3])
    np.testing.assert_array_equal(track.values["power"], [0, 1, 2, 3])
    assert track.facts["samples"].value == 4
    assert track.facts["samples_dropped"].value == 2


def test_a_timer_event_between_samples_gets_its_own_row():
    switches = [
        (START - 1, True),
        (START + 3.4, False),
        (START + 8, True),
        (START + 12, False),
        (START + 99, True),
    ]
    track = build("fit", START + np.array([0, 2, 9, 10]), {"power": [1, 2, 3, 4]}, switches=switches)
    np.testing.assert_allclose(track.values["time"], [0, 2, 3.4, 8, 9, 10, 12], atol=1e-6)
    np.testing.assert_array_equal(track.values["timer"], [1, 1, 0, 1, 1, 1, 0])
    np.testing.assert_array_equal(track.values["power"], [1, 2, np.nan, np.nan, 3, 4, np.nan])
    assert track.facts["samples"].value == 4


TCX = """<?xml version="1.0"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>{}</Activities>
</TrainingCenterDatabase>"""


def tcx_activity(start, laps):
    """Laps of tracks of offsets in seconds from `start`."""
    body = ""
    for begin, seconds, tracks in laps:
        points = "".join(
            "<Track>"
            + "".join(
                f"<Trackpoint><Time>{stamp(start, t)}</Time><HeartRateBpm><Value>{100 + t}</Value>"
                "</HeartRateBpm></Trackpoint>"
                for t in track
            )
            + "</Track>"
            for track in tracks
        )
        body += f'<Lap StartTime="{stamp(start, begin)}"><TotalTimeSeconds>{seconds}</TotalTimeSeconds>'
        body += points + "</Lap>"
    return f'<Activity Sport="Running"><Id>{stamp(start, 0)}</Id>{body}</Activity>'


def stamp(start, t):
    return (datetime(2024, 5, 1, start, tzinfo=UTC) + timedelta(seconds=t)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_tcx_pauses_between_laps_and_between_tracks(tmp_path):
    path = tmp_path / "pauses.tcx"
    laps = [(0, 10, [[0, 5, 10]]), (40, 30, [[40, 50], [60, 70]])]
    path.write_text(TCX.format(tcx_activity(8, laps)))
    values = read(path)
    np.testing.assert_array_equal(values["time"], [0, 5, 10, 40, 50, 60, 70])
    np.testing.assert_array_equal(values["timer"], [1, 1, 0, 1, 0, 1, 1])
    assert fact(path, "timer_time") == 40


def test_tcx_with_several_activities_has_a_channel_for_each(tmp_path):
    path = tmp_path / "week.tcx"
    path.write_text(TCX.format(tcx_activity(8, [(0, 5, [[0, 5]])]) + tcx_activity(17, [(0, 9, [[0, 4, 9]])])))
    records = READER.scan(path, {})
    assert [(r.channel, r.size) for r in records] == [
        ("2024-05-01T08:00:00Z", 2),
        ("2024-05-01T17:00:00Z", 3),
    ]
    np.testing.assert_array_equal(READER.read(path, records[1].channel, 0, 3, {})["time"], [0, 4, 9])
    with pytest.raises(DataError, match="scan it again"):
        READER.read(path, "gone", 0, 1, {})


# FIT files made here


def fit_file(messages):
    """A FIT file of (global number, [(field, base type, format, value), ...])."""
    from fitdecode.utils import compute_crc

    body = b""
    for number, fields in messages:
        body += struct.pack("<BBBHB", 0x40, 0, 0, number, len(fields))
        body += b"".join(struct.pack("<BBB", f, struct.calcsize("<" + c), base) for f, base, c, _ in fields)
        body += b"\0" + b"".join(struct.pack("<" + c, value) for _, _, c, value in fields)
    head = struct.pack("<BBHI4s", 14, 0x10, 2100, len(body), b".FIT")
    head += struct.pack("<H", compute_crc(head))
    return head + body + struct.pack("<H", compute_crc(head + body))


def file_id(kind):
    return (0, [(0, 0x00, "B", kind)])


def sample(t, power):
    return (20, [(253, 0x86, "I", START - fit.EPOCH + t), (7, 0x84, "H", power)])


def timer(t, kind):
    return (21, [(253, 0x86, "I", START - fit.EPOCH + t), (0, 0x00, "B", 0), (1, 0x00, "B", kind)])


def test_a_fit_file_made_by_hand(tmp_path):
    path = tmp_path / "made.fit"
    path.write_bytes(
        fit_file(
            [
                file_id(4),
                timer(0, 0),
                sample(0, 100),
                sample(2, 0xFFFF),
                timer(3, 4),
                timer(9, 0),
                sample(9, 300),
            ]
        )
    )
    values = read(path)
    np.testing.assert_array_equal(values["time"], [0, 2, 3, 9])
    np.testing.assert_array_equal(values["power"], [100, np.nan, np.nan, 300])
    np.testing.assert_array_equal(values["timer"], [1, 1, 0, 1])
    assert fact(path, "start_time") == "2020-06-01T14:52:40Z"
    assert fact(path, "ftp") is None


def test_two_fit_sessions_add_up(tmp_path):
    def session(sport, metres, peak):
        return (
            18,
            [
                (5, 0x00, "B", sport),
                (9, 0x86, "I", metres * 100),
                (17, 0x02, "B", peak),
                (16, 0x02, "B", 140),
            ],
        )

    path = tmp_path / "duathlon.fit"
    path.write_bytes(
        fit_file([file_id(4), sample(0, 1), sample(5, 2), session(1, 5000, 170), session(2, 20000, 160)])
    )
    assert fact(path, "device_distance") == 25000
    assert fact(path, "device_max_heart_rate") == 170
    assert fact(path, "device_average_heart_rate") is None
    assert fact(path, "sport") == "running+cycling"


@pytest.mark.parametrize(
    ("messages", "words"),
    [([file_id(6), sample(0, 1)], "type course"), ([file_id(4)], "no samples"), ([], "no samples")],
)
def test_fit_files_that_are_no_activities(tmp_path, messages, words):
    path = tmp_path / "other.fit"
    path.write_bytes(fit_file(messages))
    with pytest.raises(DataError, match=words):
        READER.scan(path, {})


# Damage


def one_sentence(path):
    with pytest.raises(DataError) as caught:
        READER.scan(path, {})
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 300
    assert ":" in text, "a remedy follows the rule"
    return text


@pytest.mark.parametrize("name", RIDE)
def test_a_truncated_file_is_set_aside_wherever_it_ends(tmp_path, name):
    whole = (EXAMPLES / name).read_bytes()
    whole = whole.rstrip() if name != RIDE[0] else whole
    path = tmp_path / name
    rng = np.random.default_rng(4)
    for cut in [1, 2, 11, 13, 14, 15, 40, len(whole) - 1, *rng.integers(16, len(whole) - 40, 25)]:
        path.write_bytes(whole[:cut])
        one_sentence(path)


@pytest.mark.parametrize("name", RIDE)
def test_flipped_bytes_never_raise_anything_else(tmp_path, name):
    whole = bytearray((EXAMPLES / name).read_bytes())
    path = tmp_path / name
    rng = np.random.default_rng(5)
    caught = 0
    for _ in range(40):
        broken = whole.copy()
        for place in rng.integers(0, len(whole), 3):
            broken[place] ^= int(rng.integers(1, 256))
        path.write_bytes(broken)
        try:
            for record in READER.scan(path, {}):
                READER.read(path, record.channel, 0, record.size, {})
        except DataError:
            caught += 1
    assert caught == 40 if name.endswith(".fit") else caught > 10


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FETCH = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prologue", [BOMB, FETCH, "<!DOCTYPE gpx>"])
@pytest.mark.parametrize("name", RIDE[1:])
def test_entities_and_document_types_are_refused(tmp_path, prologue, name):
    text = (EXAMPLES / name).read_text("utf-8")
    path = tmp_path / name
    path.write_text(text.replace("?>", "?>" + prologue, 1))
    assert "document type" in one_sentence(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.fit", b"", "empty"),
        ("a.fit", b"\0" * 5000, "nothing but"),
        ("a.gpx", b"  \n ", "nothing but"),
        ("a.fit", b"PK\x03\x04" + b"x" * 300, "not a FIT file"),
        ("a.tcx", b"<html><body>log in</body></html>", "no TCX"),
        ("a.gpx", b"<kml></kml>", "no GPX"),
        ("a.gpx", b"<gpx version='1.1'><wpt lat='1' lon='2'/></gpx>", "no track point"),
        ("a.gpx", b"<gpx><trk><trkseg><trkpt lat='1' lon='2'/></trkseg></trk></gpx>", "no track point"),
        ("a.gpx", b"<gpx><trk><trkseg><trkpt lat='x' lon='2'/></trkseg></trk></gpx>", "cannot be read"),
        ("a.tcx", TCX.format("").encode(), "no activity"),
        ("a.tcx", TCX.format("<Activity Sport='Other'></Activity>").encode(), "no track points"),
        ("a.tcx", TCX.format(tcx_activity(8, [(0, 1, [[0]])]) * 2).encode(), "same start"),
        ("a.fit", b"\x1f\x8b" + b"x" * 100, "gunzip"),
        ("a.csv", b"time,power\n1,2\n", "neither FIT, TCX nor GPX"),
    ],
)
def test_foreign_files_are_named(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    assert words in one_sentence(path)


def test_things_that_are_no_files(tmp_path):
    folder, link, pipe = tmp_path / "a.fit", tmp_path / "b.fit", tmp_path / "c.fit"
    folder.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    os.mkfifo(pipe)
    for path in (folder, link, pipe, tmp_path / "gone.fit"):
        one_sentence(path)


def test_deeply_nested_xml_is_an_error_of_one_sentence(tmp_path):
    path = tmp_path / "deep.gpx"
    path.write_text("<gpx>" + "<a>" * 50_000 + "</a>" * 50_000 + "</gpx>")
    one_sentence(path)
