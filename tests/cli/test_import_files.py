"""Files as people have them: what is read is added, what is not read is said."""

import gzip
import zipfile
from datetime import date

import openpyxl
import pytest

CSV = "id,name\n1,one\n2,two\n"


@pytest.fixture
def put(casework, tmp_path):
    """Writes a file, imports it into a queue of its own, and returns the exit code and the JSON or the message."""
    casework("queues", "create", "inbox")

    def put(name, content, *options, code=0, title="{name}"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        arguments = ("cases", "import", "inbox", str(file), *(("--title", title) if title else ()), *options)
        if code == 2:
            exit_code, message = casework(*arguments)
            assert exit_code == 2, message
            assert "\n" not in message.strip()
            assert casework.json("cases", "list", "inbox") == []
            return message
        result = casework.json(*arguments, code=code)
        return {**result, "titles": sorted(one["title"] for one in casework.json("cases", "list", "inbox"))}

    return put


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(put, encoding):
    assert put("a.csv", "id,name\n1,grün\n".encode(encoding))["titles"] == ["grün"]


def test_an_encoding_that_is_said_may_still_have_its_mark(put):
    content = b"\xff\xfe" + "id,name\n1,grün\n".encode("utf-16-le")
    assert put("a.csv", content, "--encoding", "utf-16-le")["titles"] == ["grün"]


def test_compressed_files_are_read(put):
    assert put("a.csv.gz", gzip.compress(CSV.encode()))["titles"] == ["one", "two"]
    assert put("b.json.gz", gzip.compress(b'[{"name": "three"}]'))["added"] == 1


def test_a_compressed_file_that_breaks_off_is_said(put):
    rows = "".join(f"{number},{number:x}{number * 7919 % 10007}\n" for number in range(20_000))
    whole = gzip.compress(("id,name\n" + rows).encode())
    result = put("a.csv.gz", whole[: len(whole) // 2], code=1)
    assert 0 < result["added"] < 20_000
    assert "breaks off" in result["bad_lines"][-1]["reason"]
    assert put("b.csv.gz", whole[: len(whole) // 2], "--strict", "--key", "id", code=1)["added"] == 0


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.csv", b"PK\x03\x04rest", "zip archive"),
        ("a.csv", b"BZh91AY", "bzip2"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook"),
        ("a.csv", b"%PDF-1.7", "PDF"),
        ("a.csv", b"\n <!DOCTYPE html><html>Sign in</html>", "HTML"),
        ("a.csv", "<?xml version='1.0'?>".encode("utf-16"), "XML"),
        ("a.xls", b"<table><tr><td>name</td></tr></table>", "HTML"),
        ("a.ods", b"PK\x03\x04.....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "OpenDocument"),
        ("a.csv.gz", gzip.compress(gzip.compress(CSV.encode(), mtime=0), mtime=0), "compressed twice"),
        ("a.csv", b"id,name\n\0\x01\x02", "NUL bytes"),
        ("a.csv", "id,näme\n".encode("latin-1"), "--encoding"),
        ("a.csv.gz", b"\x1f\x8b\x08rest", "damaged"),
        ("a.csv.gz", gzip.compress(b"PK\x03\x04rest", mtime=0), "zip archive"),
        ("a.xlsx", b"id,name\n", "not an Excel workbook"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "has a password"),
        ("a.json", b"", "empty"),
        ("a.csv", b"", "empty"),
    ],
)
def test_what_is_not_a_file_of_records_is_one_line(put, name, content, part):
    assert part in put(name, content, code=2)


def test_a_file_without_a_telling_name_is_known_by_its_first_sign(put):
    assert put("export", '{"name": "one"}\n')["added"] == 1
    assert put("export2", '[{"name": "two"}]')["added"] == 1
    assert put("export3", CSV)["added"] == 2


@pytest.mark.parametrize("content", ['{"name": "one"}\n', '[{"name": "one"}]', '\ufeff[\n {"name": "one"}\n]'])
def test_json_in_a_file_that_is_called_csv_is_read(put, content):
    assert put("a.csv", content)["titles"] == ["one"]


@pytest.mark.parametrize("content", ["- name: one\n", "id,name\n", "id,name\n\n\n"])
def test_a_file_of_column_names_alone_is_noted(put, content):
    assert put("a.csv", content, title="a case")["notes"] == ["The file has column names, and nothing below them."]


@pytest.mark.parametrize(
    ("name", "option", "value", "part"),
    [
        ("a.csv", "--sheet", "Other", "--sheet is for xlsx files, and this one is read as csv"),
        ("a.json", "--delimiter", ";", "--delimiter is for csv files, and this one is read as json"),
        ("a.xlsx", "--encoding", "latin-1", "--encoding is for csv and json files, and this one is read as xlsx"),
    ],
)
def test_an_option_that_the_format_has_no_use_for_is_refused(put, name, option, value, part):
    assert part in put(name, CSV, option, value, code=2)


@pytest.mark.parametrize("word", ["tab", "\\t", "\t"])
def test_a_tab_can_be_named(put, word):
    assert put("a.csv", "id\tna,me\n1\tone\n", "--delimiter", word, title="{id}")["titles"] == ["1"]


@pytest.mark.parametrize("form", ["{}\n{}\n{}\n", "[{},\n{},\n{}]"])
def test_an_object_with_a_name_twice_is_bad_and_costs_itself(put, form):
    content = form.format(
        '{"name": "one"}', '{"name": "two", "name": "2"}', '{"name": "three", "a": [{"b": 1, "b": 2}]}'
    )
    result = put("a.json", content, code=1)
    assert result["titles"] == ["one"]
    assert [one["reason"] for one in result["bad_lines"]] == ["it has 'name' twice", "it has 'b' twice"]


def test_a_name_twice_in_a_broken_line_is_not_held_against_the_next(put):
    result = put("a.jsonl", '{"a": {"b": 1, "b": 2}, \n{"name": "one"}\n', code=1)
    assert (result["titles"], [one["line"] for one in result["bad_lines"]]) == (["one"], [1])


def test_half_a_character_in_json_is_not_taken_for_an_encoding(put):
    result = put("a.jsonl", '{"name": "\\ud800"}\n', code=1)
    assert "--encoding" not in result["bad_lines"][0]["reason"]


def test_a_workbook_is_read(put, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["name", "amount", None, "due", "name"])
    book.active.append([])
    book.active.append(["one", 5, None, date(2026, 5, 1), "uno"])
    book.active.append(["two", 2.5])
    book.active.append(["three", 1, 2, 3, 4, 5])
    book.create_sheet("Other").append(["name"])
    book["Other"].append(["four"])
    book.save(tmp_path / "made.xlsx")
    content = (tmp_path / "made.xlsx").read_bytes()
    result = put("a.xlsx", content, "--title", "{name} {amount} {due}", code=1, title=None)
    assert result["titles"] == ["one 5 2026-05-01T00:00:00", "two 2.5"]
    assert result["bad_lines"] == [{"line": 5, "reason": "it has 6 cells, and the header has 5"}]
    assert any("'name (2)'" in note for note in result["notes"])
    assert put("b.xlsx", content, "--sheet", "Other")["added"] == 1


def test_a_sheet_that_is_not_there_names_the_nearest(put, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Invoices"
    book.save(tmp_path / "made.xlsx")
    assert "did you mean 'Invoices'" in put(
        "a.xlsx", (tmp_path / "made.xlsx").read_bytes(), "--sheet", "invoice", code=2
    )


def test_a_workbook_that_is_damaged_is_read_as_far_as_it_goes(put, tmp_path):
    book = openpyxl.Workbook()
    for row in (["name"], ["one"], ["two"], ["three"]):
        book.active.append(row)
    book.save(tmp_path / "made.xlsx")
    with zipfile.ZipFile(tmp_path / "made.xlsx") as whole, zipfile.ZipFile(tmp_path / "cut.xlsx", "w") as cut:
        for name in whole.namelist():
            content = whole.read(name)
            cut.writestr(name, content[: content.index(b'<row r="4"')] if "sheet1" in name else content)
    result = put("a.xlsx", (tmp_path / "cut.xlsx").read_bytes(), code=1)
    assert result["titles"] == ["one", "two"]
    assert result["bad_lines"] == [{"line": 4, "reason": "here the workbook is damaged; what follows was not read"}]


def test_a_zip_archive_that_is_called_a_workbook_is_one_line(put, tmp_path):
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
    assert "not an Excel workbook" in put("a.xlsx", (tmp_path / "made.zip").read_bytes(), code=2)


def test_a_bad_record_of_a_file_costs_itself(put):
    result = put("a.jsonl", '{"title": null}\n{"title": "good"}\n', code=1, title=None)
    assert (result["added"], result["titles"]) == (1, ["good"])
    assert result["bad_lines"] == [{"line": 1, "reason": "its title is null; it must be text"}]
