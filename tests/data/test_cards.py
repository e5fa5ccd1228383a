"""A data card is complete and strict; what is wrong in it is named."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from vvuq import paths
from vvuq.data.cards import card_paths, find_card, load_card
from vvuq.data.show import show
from vvuq.errors import InputError

SHIPPED = card_paths([paths.shipped("studies")])


def changed(fields, path, value):
    """The fields with the one at the dotted `path` set to `value`, or removed where it is None."""
    copied = copy.deepcopy(fields)
    at = copied
    *parents, last = path.split(".")
    for key in parents:
        at = at[int(key)] if key.isdigit() else at[key]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return copied


def test_a_card_knows_its_folder_table_columns_and_units(babies):
    card = babies.card
    assert (card.folder / card.obtain.requirements).is_file()
    assert card.table.name == "babies.dta"
    assert set(card.layout.columns) == {"ID", "TIME", "AMT", "DV", "FA1", "WGT", "APGR"}
    assert card.layout.units["concentration"] == "mg/L"
    assert card.layout.units["weight"] == "kg"


def test_digest_follows_the_content_and_not_the_place(babies, tmp_path):
    moved = tmp_path / "moved.yaml"
    moved.write_text((babies.card.folder / "babies.yaml").read_text())
    assert load_card(moved).digest == babies.card.digest
    assert babies.rewrite(changed(babies.fields, "held_out.count", 4)).digest != babies.card.digest


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "Babies!"),
        ("title", "  "),
        ("title", 5),
        ("licence.confirmed", "yes"),
        ("licence.note", None),
        ("visibility", None),
        ("held_out.count", 0),
        ("held_out.count", 10),
        ("held_out.count", "3"),
        ("held_out.salt", ""),
        ("obtain.sha256", "abc"),
        ("obtain.sha256", "A" * 64),
        ("obtain.wheel", "../x.whl"),
        ("obtain.requirements", "/etc/passwd"),
        ("obtain.files", []),
        ("obtain.files.0.path", "/etc/babies.dta"),
        ("obtain.files.0.path", "a/../../babies.dta"),
        ("obtain.files.0.path", "a\\b/babies.dta"),
        ("obtain.files.0.path", "C:/babies.dta"),
        ("obtain.files.0.path", ""),
        ("obtain.files.0.sha256", None),
        ("layout.file", "other.dta"),
        ("layout.format", "csv"),
        ("layout.separator", "tab"),
        ("layout.ignored", ["DV"]),
        ("layout.time_unit", None),
        ("layout.covariates.0.low", "0"),
        ("layout.covariates.0.extra", 1),
        ("extra", 1),
        ("folder", "x"),
        ("patients", 0),
        ("patients", 10.5),
    ],
)
def test_what_a_card_may_not_say(babies, path, value):
    with pytest.raises(InputError, match=r"babies\.yaml"):
        babies.rewrite(changed(babies.fields, path, value))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("layout.covariates.0.unit", None, r"layout\.covariates\.0\.unit: None .* add this field"),
        ("held_out.count", 10, r"held_out\.count: 10 .* fewer than the 10 patients"),
        ("layout.file", "other.dta", r"layout\.file: 'other.dta' .* one of obtain.files"),
        ("layout.ignored", ["DV"], "layout: 'DV' .* named once"),
        ("obtain.requirements", "/etc/x", r"obtain\.requirements: '/etc/x' .* a relative path"),
        ("titel", "x", "titel: 'titel' .* did you mean title"),
        ("folder", "x", "folder: 'x' .* no such field"),
        ("licence.confirmed", "yes", r"licence\.confirmed: 'yes' .* true or false"),
    ],
)
def test_the_message_names_line_field_value_and_remedy(babies, path, value, words):
    with pytest.raises(InputError, match=rf"babies\.yaml:\d+: {words}") as error:
        babies.rewrite(changed(babies.fields, path, value))
    assert "Input should" not in str(error.value)


def test_two_files_of_one_name_are_refused(babies):
    twice = [babies.fields["obtain"]["files"][0], babies.fields["obtain"]["files"][0] | {"path": "other/babies.dta"}]
    with pytest.raises(InputError, match="same name"):
        babies.rewrite(changed(babies.fields, "obtain.files", twice))


@pytest.mark.parametrize(
    "content",
    [b"", b"- a\n", b"name: [", b"name: a\nname: b\n", b"\xff\xfe", b"a: !!python/object/apply:os.getcwd []", b"1: 2"],
)
def test_what_is_no_card(tmp_path, content):
    path = tmp_path / "card.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"card\.yaml"):
        load_card(path)


def test_a_key_written_twice_is_named(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("licence:\n  data: a\n  data: b\n")
    with pytest.raises(
        InputError,
        match=r"card\.yaml:3: licence\.data: 'data' is not valid: a key that occurs once; it stands in line 2",
    ):
        load_card(path)


def test_cards_are_found_by_name_in_any_study_and_by_path(babies):
    studies = babies.card.folder.parents[1]
    assert find_card("babies", [studies]) == babies.card
    assert find_card(str(babies.card.folder / "babies.yaml")) == babies.card
    with pytest.raises(InputError, match=r"toddlers.*babies"):
        find_card("toddlers", [studies])
    with pytest.raises(InputError, match=r"missing\.yaml"):
        find_card("missing.yaml")


def test_a_study_folder_here_comes_before_the_shipped_ones(babies, monkeypatch):
    folder = babies.card.folder.parents[2]
    (folder / "my studies").rename(folder / "studies")
    monkeypatch.chdir(folder)
    assert find_card("babies").name == "babies"
    assert find_card("phenobarbital").name == "phenobarbital"


def test_a_card_has_the_name_of_its_file(babies):
    (babies.card.folder / "babies.yaml").rename(babies.card.folder / "infants.yaml")
    with pytest.raises(InputError, match="the name of its file, infants"):
        find_card("infants", [babies.card.folder.parents[1]])


def test_show_says_what_to_confirm_and_where_the_data_are(babies):
    rows = dict(show(babies.card))
    assert "to be confirmed by the user" in rows["licence of the data"]
    assert rows["comparator: assay"] == "not reported (none)"
    assert "vvuq data fetch babies" in rows["on this machine"]
    babies.target.mkdir(parents=True)
    (babies.target / "babies.dta").write_bytes(babies.content)
    assert dict(show(babies.card))["on this machine"] == str(babies.target / "babies.dta")
    confirmed = babies.rewrite(changed(babies.fields, "licence.confirmed", True))
    assert dict(show(confirmed))["licence of the data"] == "none"


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_cards_load_and_pin_what_they_require(name):
    card = find_card(name, [paths.shipped("studies")])
    assert not any(word in Path(SHIPPED[name]).read_text() for word in ("http://", "https://", "index"))
    if card.obtain.local:
        assert card.obtain.whence and "doi" in card.obtain.whence
        return
    lines = (card.folder / card.obtain.requirements).read_text().splitlines()
    required = [line for line in lines if line and not line.startswith("#")]
    assert len(required) == 1
    package, pin = required[0].split(" ")
    assert pin == f"--hash=sha256:{card.obtain.sha256}"
    assert card.obtain.wheel.startswith("-".join(package.replace("-", "_").split("==")) + "-")


def test_the_phenobarbital_card_is_shipped():
    assert "phenobarbital" in SHIPPED
