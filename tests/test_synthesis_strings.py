"""The strings that documents are made of: that they are what their names say, for every seed, and the same again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import REPOSITORY
from typecase.charset import LATIN_CHARACTERS
from typecase.synthesis.draws import Choice, digits, fill, redigit, whole
from typecase.synthesis.locales import LOCALES, POOL_SIZE, pool
from typecase.synthesis.strings import STRINGS
from typecase.synthesis.text import TextMixture

seeds = st.integers(0, 2**32 - 1)


def drawn(kind: str, count: int = 400, seed: int = 3) -> list[str]:
    generator = np.random.default_rng(seed)
    return [STRINGS[kind](generator) for _ in range(count)]


@given(seeds, st.sampled_from(sorted(STRINGS)))
def test_every_kind_gives_tidy_text_for_every_seed(seed: int, kind: str) -> None:
    text = TextMixture({kind: 1.0}).sample(np.random.default_rng(seed))
    assert text
    assert text == unicodedata.normalize("NFC", " ".join(text.split()))
    assert set(text) <= set(LATIN_CHARACTERS)


@pytest.mark.parametrize("kind", sorted(STRINGS))
def test_a_kind_repeats_itself_neither_within_a_run_nor_between_two_seeds(kind: str) -> None:
    assert drawn(kind) == drawn(kind)
    assert drawn(kind) != drawn(kind, seed=4)
    assert len(set(drawn(kind))) > (60 if kind == "single-character" else 130)


@pytest.mark.parametrize(
    ("kind", "pattern", "least"),
    [
        ("amount", r"\d", 1.0),
        ("amount", r"[.,]\d{2}\b", 0.6),
        ("date", r"\d", 1.0),
        ("date", r"(19|20)?\d\d", 0.95),
        ("time", r"\d", 1.0),
        ("time", r"\d[:.h]\d\d", 0.7),
        ("phone", r"\d.*\d.*\d.*\d.*\d", 1.0),
        ("card", r"\d{4}", 0.95),
        ("bank", r"[A-Z]{2}\d\d|\d", 0.7),
        ("email", r"^\S*.*@.+\.\w+", 1.0),
        ("url", r"\w\.\w", 1.0),
        ("number-row", r"\S \S", 1.0),
        ("caps-line", r"^[^a-z]+$", 1.0),
        ("single-character", r"^.$", 1.0),
        ("short-token", r"^.{2,5}$", 1.0),
        ("key-value", r"[:.=#\w]", 1.0),
    ],
)
def test_a_kind_looks_like_its_name(kind: str, pattern: str, least: float) -> None:
    texts = drawn(kind)
    share = np.mean([re.search(pattern, text) is not None for text in texts])
    assert share >= least, [text for text in texts if not re.search(pattern, text)][:5]


def test_amounts_come_in_many_conventions() -> None:
    texts = " ".join(drawn("amount", 3000))
    for example in (
        r"\d,\d{3}\.\d\d",
        r"\d\.\d{3},\d\d",
        r"\d \d{3},\d\d",
        r"\d'\d{3}\.\d\d",
        "€",
        r"\$",
        "£",
        "RM",
        r"\(\d",
    ):
        assert re.search(example, texts), example


def test_receipts_are_mostly_in_capitals() -> None:
    texts = [text for text in drawn("receipt-line") if any(map(str.isalpha, text))]
    assert np.mean([text == text.upper() for text in texts]) > 0.7


def test_every_character_of_the_recogniser_is_drawn() -> None:
    mixture = TextMixture({"random-characters": 1.0, "single-character": 0.3})
    generator = np.random.default_rng(0)
    counts = Counter(one for _ in range(20_000) for one in mixture.sample(generator))
    assert min(counts[one] for one in LATIN_CHARACTERS) >= 30


def test_paths_hold_one_kind_of_slash_and_no_space() -> None:
    for text in drawn("file-path"):
        assert " " not in text
        assert ("/" in text) != ("\\" in text)


def test_letters_with_marks_keep_their_neighbours() -> None:
    letters = Counter("".join(drawn("accented-words", 20_000)))
    missing = [one for one in LATIN_CHARACTERS if one.isalpha() and one.islower() and one not in letters]
    # Letters that are no form of one of ASCII and of no language that Faker has.
    assert set(missing) <= set("ĸǯªº")


@given(seeds, st.text(alphabet="#?~*-/ 0Oé", max_size=12))
def test_a_pattern_keeps_its_shape(seed: int, pattern: str) -> None:
    text = fill(np.random.default_rng(seed), pattern)
    kinds = {"#": "[0-9]", "?": "[A-Z]", "~": "[a-z]", "*": "[0-9A-Z]"}
    assert re.fullmatch("".join(kinds.get(one, re.escape(one)) for one in pattern), text)


@given(seeds, st.text(max_size=12))
def test_other_digits_leave_the_rest_alone(seed: int, text: str) -> None:
    changed = redigit(np.random.default_rng(seed), text)
    assert re.sub("[0-9]", "0", changed) == re.sub("[0-9]", "0", text)


@given(seeds, st.integers(-5, 5), st.integers(0, 9))
def test_numbers_stay_within_their_bounds(seed: int, low: int, more: int) -> None:
    generator = np.random.default_rng(seed)
    assert low <= whole(generator, low, low + more) <= low + more
    assert re.fullmatch(r"\d" * (more + 1), digits(generator, more + 1))


def test_whole_numbers_are_grouped_in_threes_by_one_mark() -> None:
    texts = [text for text in drawn("number", 4000) if re.fullmatch(r"[\d.,' ]*\d", text)]
    marks = Counter(text[-4] for text in texts if re.fullmatch(r"\d{1,3}(?:([.,' ])\d{3})(?:\1\d{3})*", text))
    assert marks[","] > marks["."] > 5


def test_boxes_to_tick_stand_alone_or_beside_what_they_mean() -> None:
    texts = drawn("tick-box", 600)
    # Where there is no box, a typewriter's mark alone.
    marks = [text for text in texts if not set(text) & set("☐☑")]
    assert set(marks) == {"x", "X"}
    assert 0.1 < len(marks) / 600 < 0.2
    assert {"☐", "☑"} <= set(texts)
    assert 0.28 < sum(text in ("☐", "☑") for text in texts) / 600 < 0.42
    assert any(re.fullmatch(r"[☐☑] \w.*", text) for text in texts)
    assert any(re.fullmatch(r"\w.* [☐☑]", text) for text in texts)
    assert any(len(re.findall("[☐☑]", text)) > 2 for text in texts)


def test_labels_may_be_of_one_or_several() -> None:
    plural = [text for text in drawn("form-label", 2000) if re.search(r"\S\([sS]\)", text)]
    assert 0.02 < len(plural) / 2000 < 0.09
    assert any("(S)" in text for text in plural)
    assert not any("(S)" in text and not text.isupper() for text in plural)


def test_short_dates_are_days_by_figures() -> None:
    texts = drawn("short-date", 1000)
    pattern = r"(\d{1,2})([-/.])(\d{1,2}|\d{4})(?:\2(\d{2}|\d{4}))?"
    found = [re.fullmatch(pattern, text) for text in texts]
    assert all(found)
    days = [match for match in found if match and match[4]]
    assert 0.4 < len(days) / 1000 < 0.8
    assert all(1 <= min(int(match[1]), int(match[3])) <= 12 for match in days)
    assert any(match[1] == "3" for match in days)
    assert any(match[1] == "03" for match in days)


def test_a_choice_keeps_to_its_weights() -> None:
    choice = Choice({"often": 3.0, "seldom": 1.0, "never": 0.0})
    generator = np.random.default_rng(1)
    counts = Counter(choice.draw(generator) for _ in range(4000))
    assert counts["never"] == 0
    assert abs(counts["often"] / 4000 - 0.75) < 0.03


def test_a_countrys_names_are_the_same_in_another_process_and_in_another_order() -> None:
    program = (
        "from typecase.synthesis.locales import pool; pool('fr_FR', 'city'); "
        "print(hash(0), *pool('de_DE', 'name')[:3], *pool('tr_TR', 'street')[:3], sep='|')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(REPOSITORY / "src"), "PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": "7"},
        check=True,
    )
    ours = [*pool("tr_TR", "street")[:3], *pool("de_DE", "name")[:3]]
    assert sorted(done.stdout.strip().split("|")[1:]) == sorted(ours)
    assert len(pool("de_DE", "name")) == POOL_SIZE


def test_all_countries_have_all_kinds() -> None:
    generator = np.random.default_rng(2)
    countries = {LOCALES.draw(generator) for _ in range(3000)}
    assert {"en_US", "de_DE", "fr_FR", "es_ES", "pt_PT", "nl_NL", "tr_TR", "pl_PL", "hu_HU"} <= countries
    for country in sorted(countries)[:6]:
        assert all(pool(country, "plate"))


def test_drawing_strings_costs_little_beside_drawing_lines() -> None:
    mixture = TextMixture(dict.fromkeys(STRINGS, 1.0))
    generator = np.random.default_rng(0)
    for _ in range(3000):
        mixture.sample(generator)
    start = time.process_time()
    for _ in range(2000):
        mixture.sample(generator)
    # Measured 40,000 a second; a tenth of that is still enough for sixteen cores of lines.
    assert 2000 / (time.process_time() - start) > 4000


def test_pools_do_not_depend_on_the_processs_hash_seed() -> None:
    # Texts for a seed are the same on every machine, and Python's sets are in another order in each process.
    code = "from typecase.synthesis.locales import pool; print(pool('it_IT', 'city')[:40])"
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
